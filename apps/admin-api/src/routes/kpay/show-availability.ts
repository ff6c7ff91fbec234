import type { KpayAccount } from '@kpay/core';
import { z } from 'zod';
import { requireAccount } from '../../auth/rights.ts';
import { describeOperation, type Operation } from '../../http/operation.ts';
import { accountParameter } from '../../http/parse-query.ts';
import { observationOf, replyWithObservation } from './observation-reply.ts';
import type { OwnKeys } from './own-keys.ts';

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
const querySchema = z.strictObject({ account: accountParameter });

export function showAvailability({ accounts, own }: { accounts: ReadonlyMap<string, KpayAccount>; own: OwnKeys }): Operation {
  return describeOperation({
    name: 'showAvailability',
    method: 'get',
    path: '/availability',
    scope: 'read',
    summary: 'List the providers of each country as KPay shows them. `known` says whether they are in our catalogue.',
    query: querySchema,
    answer: { status: 200, schema: observationOf(itemSchema) },
    problems: ['kpay_unavailable'],
    async handle({ query, caller }) {
      const account = requireAccount(accounts, caller, query.account, 'in the query');
      return replyWithObservation({
        account,
        own,
        what: 'the availability',
        read: account.observations.availability,
        peek: account.observations.peekAvailability,
        present: (countries) => countries,
      });
    },
  });
}
