import type { Registry } from 'prom-client';
import { type AccountView, fromAll, valueToShow } from './account-view.ts';
import { addSnapshotGauge } from './snapshot-gauge.ts';

/** kpay_exchange_rate, for the pairs that are watched. */
export function collectRates(registry: Registry, views: readonly AccountView[]): void {
  addSnapshotGauge(registry, {
    name: 'kpay_exchange_rate',
    help: 'How many units of `to` KPay gives for one unit of `from`.',
    labelNames: ['account', 'from', 'to'],
    read: () =>
      fromAll(views, async (view) => {
        const { account, ratePairs } = view;
        const rates = await Promise.all(
          ratePairs.map(async ({ from, to }) => {
            const observed = valueToShow(view, 'rate', await account.observations.peekRate(from, to));
            return observed ? [{ labels: { account: account.name, from, to }, value: Number(observed.rate) }] : [];
          }),
        );
        return rates.flat();
      }),
  });
}
