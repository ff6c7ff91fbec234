import type { Collector } from '@kpay/transfers/plugin';
import { addSnapshotGauge } from '../snapshot-gauge.ts';

/** kpay_api_budget_*: how many requests all processes together may send to KPay in a window, and how many are left. */
export const budgetCollector: Collector = {
  name: 'budget',
  register({ registry, accounts }) {
    const labelNames = ['account'] as const;
    addSnapshotGauge(registry, {
      name: 'kpay_api_budget_limit',
      help: 'Requests to KPay that may be sent in a window, by all processes together.',
      labelNames,
      accounts,
      read: ({ name: account, budget }) => [{ labels: { account }, value: budget.limit }],
    });
    addSnapshotGauge(registry, {
      name: 'kpay_api_budget_remaining',
      help: 'Requests to KPay that may still be sent in the present window, by all processes together.',
      labelNames,
      accounts,
      read({ name: account, budget }) {
        const value = budget.remaining();
        return value === undefined ? [] : [{ labels: { account }, value }];
      },
    });
  },
};
