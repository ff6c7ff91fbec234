import type { Collector } from '@kpay/transfers/plugin';
import { addSnapshotGauge } from '../snapshot-gauge.ts';

/** kpay_exchange_rate, for the configured pairs and those that transfers need. */
export const ratesCollector: Collector = {
  name: 'rates',
  register({ registry, accounts }) {
    addSnapshotGauge(registry, {
      name: 'kpay_exchange_rate',
      help: 'How many units of `to` KPay gives for one unit of `from`.',
      labelNames: ['account', 'from', 'to'],
      accounts,
      read: ({ name: account, ratePairs, shown }) =>
        ratePairs().flatMap(({ from, to }) => {
          const observed = shown.rate(from, to);
          return observed ? [{ labels: { account, from, to }, value: Number(observed.value.rate) }] : [];
        }),
    });
  },
};
