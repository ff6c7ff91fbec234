import { formatAmount, type KpayAccount, type WalletBalance } from '@kpay/core';
import { z } from 'zod';
import { replyWithObservation } from '../observation-reply.ts';
import type { Operation } from '../operation.ts';
import { accountParameter, parseQuery, requireAccount } from '../parse-query.ts';

const querySchema = z.strictObject({ account: accountParameter });

/** GET /balances: one item for each currency, because KPay does not say which country's wallet a row is. */
export function showBalances({ accounts }: { accounts: ReadonlyMap<string, KpayAccount> }): Operation {
  return {
    method: 'get',
    path: '/balances',
    async handle(request) {
      const account = requireAccount(accounts, parseQuery(querySchema, request.query).account);
      return replyWithObservation({
        account,
        what: 'the balance',
        read: account.observations.balance,
        peek: account.observations.peekBalance,
        present: presentBalances,
      });
    },
  };
}

function presentBalances(rows: readonly WalletBalance[]) {
  return [...Map.groupBy(rows, ({ currency }) => currency)].map(([currency, ofCurrency]) => {
    const sum = (figure: 'balanceMinor' | 'reservedMinor' | 'availableMinor') =>
      formatAmount({ amountMinor: ofCurrency.reduce((total, row) => total + row[figure], 0n), currency });
    return {
      currency,
      balance: sum('balanceMinor'),
      reservedBalance: sum('reservedMinor'),
      availableBalance: sum('availableMinor'),
    };
  });
}
