import { formatAmount, type WalletBalance } from '@kpay/core';
import type { Collector } from '@kpay/transfers/plugin';
import { addSnapshotGauge, onceFor, type Sample } from '../snapshot-gauge.ts';

type BalanceField = 'balance' | 'reservedBalance' | 'availableBalance';

const GAUGES: readonly { name: string; help: string; field: BalanceField }[] = [
  { name: 'kpay_wallet_balance', help: 'Money in the wallets of a currency, in its major unit.', field: 'balance' },
  {
    name: 'kpay_wallet_reserved_balance',
    help: 'The part of the balance that KPay holds back for withdrawals under way.',
    field: 'reservedBalance',
  },
  { name: 'kpay_wallet_available_balance', help: 'The part of the balance that can be used.', field: 'availableBalance' },
];

/** kpay_wallet_*: KPay names only the currency, so the rows of one currency are summed into one series. */
export const balancesCollector: Collector = {
  name: 'balances',
  register({ registry, accounts }) {
    for (const { name, help, field } of GAUGES) {
      const samplesOf = onceFor((account: string, rows: WalletBalance[]) =>
        [...sumByCurrency(rows, field)].map(
          ([currency, amountMinor]): Sample<'account' | 'currency'> => ({
            labels: { account, currency },
            value: Number(formatAmount({ amountMinor, currency })),
          }),
        ),
      );
      const read = ({ name: account, shown }: (typeof accounts)[number]) => samplesOf(account, shown.balance());
      addSnapshotGauge(registry, { name, help, labelNames: ['account', 'currency'], accounts, read });
    }
  },
};

export function sumByCurrency(rows: readonly WalletBalance[], field: BalanceField): ReadonlyMap<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const row of rows) {
    // Only currencies of the catalogue, or text of the same shape. Other text must not become a label.
    if (!row.known && !/^[A-Z]{3}$/.test(row.currency)) continue;
    sums.set(row.currency, (sums.get(row.currency) ?? 0n) + row[field].amountMinor);
  }
  return sums;
}
