import { formatAmount, type KpayAccount, type WalletBalance } from '@kpay/core';
import { decimalSchema } from '@kpay/transfers';
import { z } from 'zod';
import { requireAccount } from '../../auth/rights.ts';
import { describeOperation, type Operation } from '../../http/operation.ts';
import { accountParameter } from '../../http/parse-query.ts';
import { observationOf, replyWithObservation } from './observation-reply.ts';
import type { OwnKeys } from './own-keys.ts';

const itemSchema = z
  .strictObject({
    currency: z.string(),
    balance: decimalSchema,
    reservedBalance: decimalSchema,
    availableBalance: decimalSchema,
  })
  .meta({ id: 'Balance' });
const querySchema = z.strictObject({ account: accountParameter });

export function showBalances({ accounts, own }: { accounts: ReadonlyMap<string, KpayAccount>; own: OwnKeys }): Operation {
  return describeOperation({
    name: 'showBalances',
    method: 'get',
    path: '/balances',
    scope: 'read',
    summary: 'Show the balances, one item for each currency. KPay does not say to which country a balance belongs.',
    query: querySchema,
    answer: { status: 200, schema: observationOf(itemSchema) },
    problems: ['kpay_unavailable'],
    async handle({ query, caller }) {
      const account = requireAccount(accounts, caller, query.account, 'in the query');
      return replyWithObservation({
        account,
        own,
        what: 'the balance',
        read: account.observations.balance,
        peek: account.observations.peekBalance,
        present: presentBalances,
      });
    },
  });
}

function presentBalances(rows: readonly WalletBalance[]): z.infer<typeof itemSchema>[] {
  return [...Map.groupBy(rows, ({ currency }) => currency)].map(([currency, ofCurrency]) => {
    const sum = (field: 'balance' | 'reservedBalance' | 'availableBalance') =>
      formatAmount({ amountMinor: ofCurrency.reduce((total, row) => total + row[field].amountMinor, 0n), currency });
    return {
      currency,
      balance: sum('balance'),
      reservedBalance: sum('reservedBalance'),
      availableBalance: sum('availableBalance'),
    };
  });
}
