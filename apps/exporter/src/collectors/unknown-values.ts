import { operationTypes, providerStatuses } from '@kpay/core';
import type { Collector } from '@kpay/transfers';
import { Counter } from 'prom-client';

/**
 * kpay_unknown_values_total: what KPay said that its documentation does not list. Counted once for each answer, by
 * the field it stood in; the value itself never becomes a label.
 */
export const unknownValuesCollector: Collector = {
  name: 'unknown-values',
  register({ registry, accounts }) {
    const counter = new Counter({
      name: 'kpay_unknown_values_total',
      help: 'Values in the answers of KPay that are not documented, by field.',
      labelNames: ['account', 'field'],
      registers: [registry],
    });
    for (const { name: account, onAvailability, onBalance } of accounts) {
      const count = (field: string, known: boolean) => counter.inc({ account, field }, known ? 0 : 1);
      onAvailability(({ value }) => {
        for (const { known, providers } of value) {
          count('country', known);
          for (const provider of providers) {
            count('provider', provider.known);
            for (const { operationType, status } of provider.operationTypes) {
              count('operation', operationTypes.includes(operationType));
              count('status', providerStatuses.includes(status));
            }
          }
        }
      });
      onBalance(({ value }) => {
        for (const { known } of value) count('currency', known);
      });
    }
  },
};
