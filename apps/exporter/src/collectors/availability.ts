import { type CountryAvailability, operationTypes, providerStatuses } from '@kpay/core';
import type { Collector } from '@kpay/transfers/plugin';
import { addSnapshotGauge, onceFor, type Sample } from '../snapshot-gauge.ts';

export interface ShownOperation {
  country: string;
  provider: string;
  operation: string;
  status: string;
}

// KPay adds countries and providers that our catalogue does not list. They are shown when they look like codes. Any
// other text could be a sentence and stays out of the labels.
export const CODE = /^[A-Z0-9_]{2,40}$/;

/**
 * kpay_provider_status: three series for each operation of a provider, one for each status; 1 for the present status.
 */
export const availabilityCollector: Collector = {
  name: 'availability',
  register({ registry, accounts }) {
    const samplesOf = onceFor(statusSamples);
    addSnapshotGauge(registry, {
      name: 'kpay_provider_status',
      help: 'Status of an operation of a mobile-money provider: 1 for the one it has. All 0: a status that is not documented.',
      labelNames: ['account', 'country', 'provider', 'operation', 'status'],
      accounts,
      read: ({ name, shown }) => samplesOf(name, shown.availability()),
    });
  },
};

function statusSamples(account: string, availability: readonly CountryAvailability[]) {
  return shownOperations(availability).flatMap(({ status: actual, ...operation }) =>
    providerStatuses.map(
      (status): Sample<'account' | 'country' | 'provider' | 'operation' | 'status'> => ({
        labels: { account, ...operation, status },
        value: status === actual ? 1 : 0,
      }),
    ),
  );
}

/** The operations whose country, provider and type can be labels. The status may be any text. */
export function shownOperations(availability: readonly CountryAvailability[]): ShownOperation[] {
  return availability.flatMap(({ country, providers }) =>
    providers
      .filter(({ provider }) => CODE.test(country) && CODE.test(provider))
      .flatMap(({ provider, operationTypes: operations }) =>
        operations
          .filter(({ operationType }) => operationTypes.includes(operationType))
          .map(({ operationType: operation, status }) => ({ country, provider, operation, status })),
      ),
  );
}
