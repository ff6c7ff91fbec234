import type { KpayAccount } from '@kpay/core';
import { z } from 'zod';
import { replyWithObservation } from '../observation-reply.ts';
import type { Operation } from '../operation.ts';
import { accountParameter, parseQuery, requireAccount } from '../parse-query.ts';

const querySchema = z.strictObject({ account: accountParameter });

/** GET /availability: the providers of each country as KPay lists them; `known` says whether our catalogue does. */
export function showAvailability({ accounts }: { accounts: ReadonlyMap<string, KpayAccount> }): Operation {
  return {
    method: 'get',
    path: '/availability',
    async handle(request) {
      const account = requireAccount(accounts, parseQuery(querySchema, request.query).account);
      return replyWithObservation({
        account,
        what: 'the availability',
        read: account.observations.availability,
        peek: account.observations.peekAvailability,
        present: (countries) => countries,
      });
    },
  };
}
