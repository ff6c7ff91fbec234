import type { CountryAvailability, KpayAccount } from '@kpay/core';
import { z } from 'zod';
import type { Operation } from '../../http/operation.ts';
import type { OwnKeys } from './own-keys.ts';
import { showObservation } from './show-observation.ts';

const itemSchema = z
  .strictObject({
    country: z.string(),
    known: z.boolean(),
    providers: z.array(
      z.strictObject({
        provider: z.string(),
        known: z.boolean(),
        operationTypes: z.array(z.strictObject({ operationType: z.string(), status: z.string(), known: z.boolean() })),
      }),
    ),
  })
  .meta({ id: 'CountryAvailability' });

export function showAvailability(options: { accounts: ReadonlyMap<string, KpayAccount>; own: OwnKeys }): Operation {
  return showObservation(
    {
      name: 'showAvailability',
      path: '/availability',
      summary: 'List the providers of each country as KPay shows them. `known` says whether they are in our catalogue.',
      item: itemSchema,
      what: 'the availability',
      present: (countries: readonly CountryAvailability[]) => countries,
      observe: ({ observations }) => ({ read: observations.availability, peek: observations.peekAvailability }),
    },
    options,
  );
}
