import { formatAmount, type KpayAccount, type WalletBalance } from '@kpay/core';
import { decimalSchema } from '@kpay/transfers';
import { z } from 'zod';
import type { Operation } from '../../http/operation.ts';
import type { OwnKeys } from './own-keys.ts';
import { showObservation } from './show-observation.ts';

const itemSchema = z
  .strictObject({
    currency: z.string(),
    balance: decimalSchema,
    reservedBalance: decimalSchema,
    availableBalance: decimalSchema,
  })
  .meta({ id: 'Balance' });

export function showBalances(options: { accounts: ReadonlyMap<string, KpayAccount>; own: OwnKeys }): Operation {
  return showObservation(
    {
      name: 'showBalances',
      path: '/balances',
      summary: 'Show the balances, one item for each currency. KPay does not say to which country a balance belongs.',
      item: itemSchema,
      what: 'the balance',
      present: presentBalances,
      observe: ({ observations }) => ({ read: observations.balance, peek: observations.peekBalance }),
    },
    options,
  );
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
