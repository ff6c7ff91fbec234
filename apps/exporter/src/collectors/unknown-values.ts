import { type CountryAvailability, operationTypes, providerStatuses, type WalletBalance } from '@kpay/core';
import type { Collector } from '@kpay/transfers/plugin';
import { Counter } from 'prom-client';
import { addSnapshotGauge, onceFor, type Sample } from '../snapshot-gauge.ts';
import { CODE } from './availability.ts';

/**
 * kpay_unknown_values_total: undocumented values in KPay's answers, counted once for each answer, by field.
 * kpay_undocumented_values: how many the latest answer has, by operator. The value itself never becomes a label, except
 * a country or an operator that looks like a code.
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
    const shownBefore = new Map<string, { parts: readonly (readonly UndocumentedSample[])[]; samples: UndocumentedSample[] }>();
    const ofAvailability = onceFor(inAvailability);
    const ofBalance = onceFor(inBalance);
    addSnapshotGauge(registry, {
      name: 'kpay_undocumented_values',
      help: 'Values in the latest answers of KPay that are not documented, by field and by the operator they stand at.',
      labelNames: ['account', 'field', 'country', 'provider'],
      accounts,
      read({ name, shown }) {
        const parts = [ofAvailability(name, shown.availability()), ofBalance(name, shown.balance())];
        const before = shownBefore.get(name);
        if (before?.parts.every((part, index) => part === parts[index])) return before.samples;
        const samples = parts.flat();
        shownBefore.set(name, { parts, samples });
        return samples;
      },
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

type UndocumentedSample = Sample<'account' | 'field' | 'country' | 'provider'>;

/** 0 for documented values, so that the series shows when a value has become documented. */
function inAvailability(account: string, countries: readonly CountryAvailability[]): UndocumentedSample[] {
  const sums = new Map<string, UndocumentedSample>();
  const add = (field: string, countryCode: string, providerCode: string, known: boolean) => {
    const country = CODE.test(countryCode) ? countryCode : '';
    const provider = CODE.test(providerCode) ? providerCode : '';
    const key = `${field} ${country} ${provider}`;
    const sample = sums.get(key) ?? { labels: { account, field, country, provider }, value: 0 };
    sums.set(key, { ...sample, value: sample.value + (known ? 0 : 1) });
  };
  for (const { country, known, providers } of countries) {
    add('country', country, '', known);
    for (const { provider, known: listed, operationTypes: operations } of providers) {
      add('provider', country, provider, listed);
      for (const { operationType, status } of operations) {
        add('operation', country, provider, operationTypes.includes(operationType));
        add('status', country, provider, providerStatuses.includes(status));
      }
    }
  }
  return [...sums.values()];
}

function inBalance(account: string, rows: readonly WalletBalance[]): UndocumentedSample[] {
  const value = rows.filter(({ known }) => !known).length;
  return [{ labels: { account, field: 'currency', country: '', provider: '' }, value }];
}
