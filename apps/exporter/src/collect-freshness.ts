import type { ObservationName, Observed } from '@kpay/core';
import type { Registry } from 'prom-client';
import { type AccountView, fromAll, valueToShow } from './account-view.ts';
import { addSnapshotGauge, type Sample } from './snapshot-gauge.ts';

/**
 * kpay_up and kpay_observation_last_success_timestamp_seconds: whether what the other gauges show is alive. The
 * timestamps are told whatever their age: growing old is what they are there to show.
 *
 * @param lastReadsFailed whether the latest read of an account's balance or availability by this process failed.
 */
export function collectFreshness(
  registry: Registry,
  views: readonly AccountView[],
  lastReadsFailed: (account: string) => boolean,
): void {
  addSnapshotGauge(registry, {
    name: 'kpay_up',
    help: '1 when KPay answered the latest reads of balance and availability, and neither is too old to be shown.',
    labelNames: ['account'],
    read: () =>
      fromAll(views, async (view) => {
        const { account } = view;
        const balance = valueToShow(view, 'balance', await account.observations.peekBalance());
        const availability = valueToShow(view, 'availability', await account.observations.peekAvailability());
        const up = balance !== undefined && availability !== undefined && !lastReadsFailed(account.name);
        return [{ labels: { account: account.name }, value: up ? 1 : 0 }];
      }),
  });
  addSnapshotGauge(registry, {
    name: 'kpay_observation_last_success_timestamp_seconds',
    help: 'When KPay last answered, in seconds since the epoch. For rates: of the watched pair that waits longest.',
    labelNames: ['account', 'observation'],
    read: () => fromAll(views, lastSuccesses),
  });
}

async function lastSuccesses({ account, ratePairs }: AccountView): Promise<Sample<'account' | 'observation'>[]> {
  const { observations } = account;
  const rates = await Promise.all(ratePairs.map(({ from, to }) => observations.peekRate(from, to)));
  const all: [ObservationName, (Observed<unknown> | undefined)[]][] = [
    ['balance', [await observations.peekBalance()]],
    ['availability', [await observations.peekAvailability()]],
    ['rate', rates],
  ];
  return all.flatMap(([observation, values]) => {
    const times = values.map((value) => value?.answeredAt.getTime());
    // A pair that was never answered has no time, so neither has the oldest of them.
    if (times.length === 0 || times.includes(undefined)) return [];
    const oldestMs = Math.min(...times.filter((time) => time !== undefined));
    return [{ labels: { account: account.name, observation }, value: oldestMs / 1_000 }];
  });
}
