import { type CountryAvailability, operationTypes, providerStatuses } from '@kpay/core';
import type { Registry } from 'prom-client';
import { type AccountView, fromAll, valueToShow } from './account-view.ts';
import { addSnapshotGauge, type Sample } from './snapshot-gauge.ts';

type Label = 'account' | 'country' | 'provider' | 'operation' | 'status';

// KPay adds countries and providers that no catalogue of ours lists: they are shown when they look like codes. Any
// other text could be a sentence, and stays out of the labels.
const CODE = /^[A-Z0-9_]{2,40}$/;

/** kpay_provider_status: for each operation of a provider all three statuses, 1 for the one it has. */
export function collectAvailability(registry: Registry, views: readonly AccountView[]): void {
  addSnapshotGauge(registry, {
    name: 'kpay_provider_status',
    help: 'Status of an operation of a mobile-money provider: 1 for the one it has. All 0: a status that is not documented.',
    labelNames: ['account', 'country', 'provider', 'operation', 'status'],
    read: () =>
      fromAll(views, async (view) => {
        const { account } = view;
        const availability = valueToShow(view, 'availability', await account.observations.peekAvailability());
        return availability ? statusSamples(account.name, availability) : [];
      }),
  });
}

function statusSamples(account: string, availability: readonly CountryAvailability[]): Sample<Label>[] {
  const samples: Sample<Label>[] = [];
  for (const { country, providers } of availability) {
    for (const { provider, operationTypes: operations } of providers) {
      if (!CODE.test(country) || !CODE.test(provider)) continue;
      for (const { operationType: operation, status: actual } of operations) {
        if (!operationTypes.includes(operation)) continue;
        for (const status of providerStatuses) {
          samples.push({ labels: { account, country, provider, operation, status }, value: status === actual ? 1 : 0 });
        }
      }
    }
  }
  return samples;
}
