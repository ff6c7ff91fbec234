import { type WalletBalance, walletBalance } from '@kpay/core';
import type { TransferRow } from '@kpay/ledger';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openStage, type Stage } from '../../test/stage.ts';
import { advanceTransfer } from '../send/advance.ts';
import { beginFirstSends } from '../send/begin.ts';
import { evaluateFunds } from './funds.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.reset());
afterAll(() => stage.close());

const never = new AbortController().signal;
/** A balance in KES, a currency of only one wallet. */
const order = { sourceCountry: 'KEN', destinationCountry: 'UGA', amount: 1_000 };

async function acceptSome(count: number): Promise<TransferRow[]> {
  const rows: TransferRow[] = [];
  for (let n = 0; n < count; n++) rows.push(await stage.accept({ ...order, externalId: `some-${n}` }));
  return rows;
}

async function statesOf(rows: readonly TransferRow[]): Promise<string[]> {
  const now = await Promise.all(rows.map(({ id }) => stage.find(id)));
  return now.map(({ state, reason_code: code }) => (code === null ? state : `${state}: ${code}`)).sort();
}

describe('money for two transfers', () => {
  const two = { country: 'KEN', balance: 2 * order.amount };

  it('is spent by two, whichever workers judge five at once by one balance', async () => {
    stage.simulator.control.setBalance(two);
    const rows = await acceptSome(5);
    const workers = await Promise.all([stage.engine(), stage.engine()]);
    await Promise.all(rows.flatMap(({ id }) => workers.map((worker) => advanceTransfer(worker, id, never))));
    expect(await statesOf(rows)).toEqual([...Array(3).fill('holding: insufficient_funds'), 'succeeded', 'succeeded']);
    expect(rows.reduce((sum, row) => sum + stage.effects(row), 0)).toBe(2);
  });

  it('is free again when a send moved nothing, though the ledger still counts it', async () => {
    stage.simulator.control.setBalance(two);
    const worker = await stage.engine();
    const rows = await acceptSome(4);
    const fault = { kind: 'status', status: 404 } as const;
    stage.simulator.control.addFault({ match: { endpoint: 'transfer' }, times: 2, fault });
    for (const { id } of rows) await advanceTransfer(worker, id, never);
    expect(await statesOf(rows)).toEqual(['failed: kpay_404', 'failed: kpay_404', 'succeeded', 'succeeded']);
    const wallet = await stage.ledger.db.selectFrom('kpay.wallets').select('reserved_so_far').executeTakeFirstOrThrow();
    expect(wallet.reserved_so_far).toBe(String(4 * order.amount * 100));
  });
});

it('waits for a currency that KPay does not show, also when it fails without funds', async () => {
  const row = await stage.accept({ ...order, externalId: 'unknown', onInsufficientFunds: 'fail' });
  const amounts = { balanceMinor: 1n, reservedMinor: 0n, availableMinor: 1n };
  const evaluate = (wallets: WalletBalance[]) =>
    evaluateFunds(stage.ledger.db, row, { wallets, askedAt: new Date() }, new Date());
  expect(await evaluate([])).toMatchObject({ verdict: 'hold', code: 'insufficient_funds' });
  expect(await evaluate([walletBalance('XAF', amounts)])).toMatchObject({ verdict: 'hold' });
  expect(await evaluate([walletBalance('KES', amounts)])).toMatchObject({ verdict: 'reject' });
});

it.each([
  ['just asked for', 0, 'begun'],
  ['at its end', -30_000, 'begun'],
  ['past its end', -30_001, 'stale'],
  ['of the future', 2_000, 'stale'],
])('a balance %s is judged by under the lock, or read again', async (_when, byMs, expected) => {
  const row = await stage.accept({ ...order, externalId: 'dated' });
  const { pin, epoch, worker } = await stage.engine();
  const kes = walletBalance('KES', { balanceMinor: 10n ** 9n, reservedMinor: 0n, availableMinor: 10n ** 9n });
  const context = { pin, epoch, worker, balanceMaxAgeMs: 30_000 };
  const [begun] = await stage.ledger.transaction((tx) => {
    const snapshot = { wallets: [kes], askedAt: new Date(tx.now.getTime() + byMs) };
    return beginFirstSends(tx, [{ row, snapshot, inputs: {}, trace: null }], context);
  });
  expect(begun?.kind).toBe(expected);
});
