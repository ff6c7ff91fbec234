import type { KpayAccount } from '@kpay/core';
import type { Operation } from '../operation.ts';

/** GET /accounts: the accounts that transfers can be made in. No key is shown. */
export function listAccounts({ accounts }: { accounts: ReadonlyMap<string, KpayAccount> }): Operation {
  return {
    method: 'get',
    path: '/accounts',
    async handle() {
      const items = [...accounts.values()].map(({ name, environment, baseUrl }) => ({ name, environment, baseUrl }));
      return { status: 200, body: { items, nextCursor: null } };
    },
  };
}
