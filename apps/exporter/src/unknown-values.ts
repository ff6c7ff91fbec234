import { type CountryAvailability, operationTypes, providerStatuses, type WalletBalance } from '@kpay/core';
import { Counter, type Registry } from 'prom-client';

export interface UnknownValues {
  inAvailability(account: string, availability: readonly CountryAvailability[]): void;
  inBalance(account: string, rows: readonly WalletBalance[]): void;
}

/**
 * kpay_unknown_values_total: what KPay said that its documentation does not list. Counted once for each answer, by
 * the field it stood in; the value itself never becomes a label.
 */
export function countUnknownValues(registry: Registry): UnknownValues {
  const counter = new Counter({
    name: 'kpay_unknown_values_total',
    help: 'Values in the answers of KPay that are not documented, by field.',
    labelNames: ['account', 'field'],
    registers: [registry],
  });
  const count = (account: string, field: string, known: boolean) => {
    if (!known) counter.inc({ account, field });
  };
  return {
    inAvailability(account, availability) {
      for (const { known, providers } of availability) {
        count(account, 'country', known);
        for (const provider of providers) {
          count(account, 'provider', provider.known);
          for (const { operationType, status } of provider.operationTypes) {
            count(account, 'operation', operationTypes.includes(operationType));
            count(account, 'status', providerStatuses.includes(status));
          }
        }
      }
    },
    inBalance(account, rows) {
      for (const { known } of rows) count(account, 'currency', known);
    },
  };
}
