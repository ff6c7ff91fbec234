import { walletBalance } from '@kpay/core';
import type { CollectorAccount } from '@kpay/transfers/plugin';
import type { Outflow } from '@kpay/transfers/worker';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { timeToEmptyCollector } from './time-to-empty.ts';

const HOUR_MS = 3_600_000;
const wallet = (currency: string, availableMinor: bigint) =>
  walletBalance(currency, { balanceMinor: availableMinor, reservedMinor: 0n, availableMinor });

async function shownFor(outflow: ReadonlyMap<string, Outflow> | undefined, wallets: ReturnType<typeof wallet>[] | undefined) {
  const registry = new Registry();
  const at = new Date();
  const seen = { balance: () => wallets && { value: wallets, askedAt: at, answeredAt: at } };
  const account = { name: 'default', shown: seen, outflow: () => outflow } as unknown as CollectorAccount;
  await timeToEmptyCollector.register({ registry, accounts: [account] });
  return (await registry.metrics()).split('\n').filter((line) => line.startsWith('kpay_wallet_time_to_empty_seconds{'));
}

const series = (currency: string, value: string) =>
  `kpay_wallet_time_to_empty_seconds{account="default",currency="${currency}"} ${value}`;

it.each([
  ['half an hour', { amount: 200, overMs: HOUR_MS }, 100n, '1800'],
  ['nothing leaves', { amount: 0, overMs: HOUR_MS }, 100n, '+Inf'],
  ['nothing is left', { amount: 200, overMs: HOUR_MS }, 0n, '0'],
  ['below nothing', { amount: 200, overMs: HOUR_MS }, -5n, '0'],
])('%s', async (_case, outflow, available, value) => {
  expect(await shownFor(new Map([['XAF', outflow]]), [wallet('XAF', available)])).toEqual([series('XAF', value)]);
});

it('several rows of a currency are one wallet, in its own unit', async () => {
  const wallets = [wallet('KES', 100_00n), wallet('KES', 100_00n)];
  expect(await shownFor(new Map([['KES', { amount: 400, overMs: HOUR_MS }]]), wallets)).toEqual([series('KES', '1800')]);
});

it('tells nothing without balance or ledger, or of a currency that never left', async () => {
  const outflow = new Map([['XAF', { amount: 1, overMs: HOUR_MS }]]);
  expect(await shownFor(outflow, undefined)).toEqual([]);
  expect(await shownFor(undefined, [wallet('XAF', 1n)])).toEqual([]);
  expect(await shownFor(outflow, [wallet('XOF', 1n)])).toEqual([]);
});
