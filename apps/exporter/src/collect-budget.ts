import type { Registry } from 'prom-client';
import { type AccountView, fromAll } from './account-view.ts';
import { addSnapshotGauge } from './snapshot-gauge.ts';

/** kpay_api_budget_remaining: what all processes together may still send in the present window. */
export function collectBudget(registry: Registry, views: readonly AccountView[]): void {
  addSnapshotGauge(registry, {
    name: 'kpay_api_budget_remaining',
    help: 'Requests to KPay that may still be sent in the present window, by all processes together.',
    labelNames: ['account'],
    read: () =>
      fromAll(views, async ({ account }) => [{ labels: { account: account.name }, value: await account.budget.remaining() }]),
  });
}
