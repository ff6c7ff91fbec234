import type { Observed } from '@kpay/core';
import type { Collector, CollectorAccount } from '@kpay/transfers/plugin';
import { addSnapshotGauge, type Sample } from '../snapshot-gauge.ts';

/**
 * kpay_up and kpay_observation_last_success_timestamp_seconds: whether the values of the other gauges are fresh. The
 * timestamps are shown at any age, because an old timestamp is what an alert needs.
 */
export const freshnessCollector: Collector = {
  name: 'freshness',
  register({ registry, accounts }) {
    addSnapshotGauge(registry, {
      name: 'kpay_up',
      help: '1 when KPay answered the latest reads of balance and availability, and neither is too old to be shown.',
      labelNames: ['account'],
      accounts,
      read: (account) => [{ labels: { account: account.name }, value: isUp(account) ? 1 : 0 }],
    });
    addSnapshotGauge(registry, {
      name: 'kpay_observation_last_success_timestamp_seconds',
      help: 'When KPay last answered, in seconds since the epoch. For rates: of the watched pair that waits longest.',
      labelNames: ['account', 'observation'],
      accounts,
      read: lastSuccesses,
    });
  },
};

function isUp({ shown, lastFailure }: CollectorAccount): boolean {
  const seen = shown.balance() !== undefined && shown.availability() !== undefined;
  return seen && lastFailure('balance') === undefined && lastFailure('availability') === undefined;
}

function lastSuccesses({ name: account, latest, ratePairs }: CollectorAccount): Sample<'account' | 'observation'>[] {
  const all: [string, (Observed<unknown> | undefined)[]][] = [
    ['balance', [latest.balance()]],
    ['availability', [latest.availability()]],
    ['rate', ratePairs().map(({ from, to }) => latest.rate(from, to))],
  ];
  return all.flatMap(([observation, values]) => {
    const times = values.map((value) => value?.answeredAt.getTime());
    // A pair that was never answered has no time, so the oldest time is unknown, too.
    if (times.length === 0 || times.includes(undefined)) return [];
    const oldestMs = Math.min(...times.filter((time) => time !== undefined));
    return [{ labels: { account, observation }, value: oldestMs / 1_000 }];
  });
}
