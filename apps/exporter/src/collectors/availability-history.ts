import { type CountryAvailability, type Observed, providerStatuses } from '@kpay/core';
import type { Collector } from '@kpay/transfers/plugin';
import { Counter } from 'prom-client';
import { shownOperations } from './availability.ts';

// When two answers are further apart than this, the status in between is unknown.
const MAX_BETWEEN_MS = 10 * 60_000;

/**
 * kpay_provider_status_changes_total and kpay_provider_status_seconds_total: how operators changed between scrapes and
 * over days. The time between two answers counts for the status of the first.
 */
export const availabilityHistoryCollector: Collector = {
  name: 'availability-history',
  register({ registry, accounts }) {
    const changes = new Counter({
      name: 'kpay_provider_status_changes_total',
      help: 'How often the status of an operation of a provider was another one than at the answer before.',
      labelNames: ['account', 'country', 'provider', 'operation'],
      registers: [registry],
    });
    const seconds = new Counter({
      name: 'kpay_provider_status_seconds_total',
      help: 'How long an operation of a provider has had a status, as far as this process saw it.',
      labelNames: ['account', 'country', 'provider', 'operation', 'status'],
      registers: [registry],
    });
    for (const { name: account, onAvailability } of accounts) {
      let before: { askedAt: Date; statuses: ReadonlyMap<string, string> } | undefined;
      onAvailability(({ value, askedAt }: Observed<CountryAvailability[]>) => {
        const elapsedMs = before ? askedAt.getTime() - before.askedAt.getTime() : 0;
        const statuses = new Map<string, string>();
        for (const { status, ...operation } of shownOperations(value)) {
          const key = Object.values(operation).join(' ');
          const last = before?.statuses.get(key);
          statuses.set(key, status);
          changes.inc({ account, ...operation }, last === undefined || last === status ? 0 : 1);
          for (const each of providerStatuses) {
            const counts = each === last && elapsedMs > 0 && elapsedMs <= MAX_BETWEEN_MS;
            seconds.inc({ account, ...operation, status: each }, counts ? elapsedMs / 1_000 : 0);
          }
        }
        before = { askedAt, statuses };
      });
    }
  },
};
