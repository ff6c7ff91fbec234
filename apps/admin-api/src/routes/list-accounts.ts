import type { KpayAccount } from '@kpay/core';
import { z } from 'zod';
import { reachable } from '../auth/rights.ts';
import { describeOperation, type Operation } from '../http/operation.ts';
import { pageOf } from '../http/page.ts';

const accountSchema = z
  .strictObject({ name: z.string(), environment: z.enum(['TEST', 'PRODUCTION']), baseUrl: z.string() })
  .meta({ id: 'Account' });

/** No key is shown. */
export function listAccounts({ accounts }: { accounts: ReadonlyMap<string, KpayAccount> }): Operation {
  return describeOperation({
    name: 'listAccounts',
    method: 'get',
    path: '/accounts',
    scope: 'read',
    summary: 'List the accounts that your key reaches.',
    answer: { status: 200, schema: pageOf(accountSchema) },
    async handle({ caller }) {
      const reached = [...reachable(caller, accounts).values()];
      const items = reached.map(({ name, environment, baseUrl }) => ({ name, environment, baseUrl }));
      return { body: { items, nextCursor: null } };
    },
  });
}
