import { formatAmount } from '@kpay/core';
import type { Collector } from '@kpay/transfers/plugin';
import { addSnapshotGauge } from '../snapshot-gauge.ts';
import { sumByCurrency } from './balances.ts';

/**
 * kpay_wallet_outflow_per_hour and kpay_wallet_time_to_empty_seconds: how long the wallets of a currency last if money
 * goes on leaving at the recent rate. Not shown while the ledger cannot be read or the balance is too old.
 */
export const timeToEmptyCollector: Collector = {
  name: 'time-to-empty',
  register({ registry, accounts }) {
    addSnapshotGauge(registry, {
      name: 'kpay_wallet_outflow_per_hour',
      help: 'Money that transfers took out of a currency lately, in its major unit in an hour; transfers within it are not counted.',
      labelNames: ['account', 'currency'],
      accounts,
      read: ({ name: account, outflow }) =>
        [...(outflow() ?? [])].map(([currency, { amount, overMs }]) => ({
          labels: { account, currency },
          value: (amount * 3_600_000) / overMs,
        })),
    });
    addSnapshotGauge(registry, {
      name: 'kpay_wallet_time_to_empty_seconds',
      help: 'How long the available balance of a currency lasts at the outflow of late; +Inf when nothing leaves. A single country can run dry sooner.',
      labelNames: ['account', 'currency'],
      accounts,
      read({ name: account, shown, outflow }) {
        const balance = shown.balance();
        if (!balance) return [];
        const available = sumByCurrency(balance.value, 'availableBalance');
        return [...(outflow() ?? [])].flatMap(([currency, { amount, overMs }]) => {
          const amountMinor = available.get(currency);
          if (amountMinor === undefined) return [];
          const left = Math.max(0, Number(formatAmount({ amountMinor, currency })));
          const value = amount === 0 ? Number.POSITIVE_INFINITY : (left * overMs) / 1_000 / amount;
          return [{ labels: { account, currency }, value }];
        });
      },
    });
  },
};
