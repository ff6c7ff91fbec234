import { systemClock } from '@kpay/core';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage } from '../../test/stage.ts';
import { advanceTransfer } from '../faces/worker.ts';
import type { TransferRow } from '../index.ts';
import { LEASE_MS } from './begin.ts';

// What builds an index, or repairs a table, holds a lock that only other sessions meet; the embedded database has one.
let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.reset());
afterAll(() => stage.close());

const never = new AbortController().signal;
const TIMEOUT_MS = 60_000;

/** Keeps all writers from the transfers, as `create index` does. @returns how to let them. */
async function lockTransfers(): Promise<() => Promise<void>> {
  const locked = Promise.withResolvers<void>();
  let free = false;
  const session = stage.ledger.db.transaction().execute(async (trx) => {
    await sql`lock table kpay.transfers in share mode`.execute(trx);
    locked.resolve();
    // A silent session is given up.
    while (!free) await sql`select pg_sleep(0.1)`.execute(trx);
  });
  await Promise.race([locked.promise, session]);
  return () => {
    free = true;
    return session;
  };
}

/**
 * Sends while somebody holds the table for longer than the lease; another worker gives the attempt up before the answer
 * is stored.
 */
async function answerDuringLock(): Promise<TransferRow> {
  const { id } = await stage.accept();
  let unlock = async () => {};
  let pastMs = 0;
  let waits = 0;
  const clock = {
    ...systemClock,
    monotonicMs: () => systemClock.monotonicMs() + pastMs,
    sleep: async () => {
      waits += 1;
      pastMs += LEASE_MS;
      if (waits === 1) return stage.ledger.passMs(LEASE_MS + 1);
      await unlock();
      expect(await advanceTransfer(await stage.engine(), id, never)).toMatchObject({ state: 'unconfirmed' });
    },
  };
  const engine = { ...(await stage.engine()), clock };
  const { client } = engine.account;
  const locking = new Proxy(client, {
    get(target, key) {
      if (key !== 'prepareTransfer') return Reflect.get(target, key);
      return async (...args: Parameters<typeof client.prepareTransfer>) => {
        const permit = await client.prepareTransfer(...args);
        const send: typeof permit.send = async (...sent) => {
          unlock = await lockTransfers();
          return permit.send(...sent);
        };
        return { send, release: () => permit.release() };
      };
    },
  });
  await advanceTransfer({ ...engine, account: { ...engine.account, client: locking } }, id, never);
  expect(waits).toBe(2);
  return stage.find(id);
}

it('stores a 201 that comes while the table is locked past the lease', { timeout: TIMEOUT_MS }, async () => {
  const row = await answerDuringLock();
  expect(row).toMatchObject({ state: 'succeeded', confirmed_by: 'answer', kpay_transfer_id: expect.any(String) });
  expect(stage.effects(row)).toBe(1);
});

it('a refusal that comes then is stored too, and conflicts confirm nothing', { timeout: TIMEOUT_MS }, async () => {
  for (const [status, times] of [
    [403, 1],
    [409, 9],
  ] as const) {
    stage.simulator.control.addFault({ match: { endpoint: 'transfer' }, times, fault: { kind: 'status', status } });
  }
  const { id } = await answerDuringLock();
  const row = await stage.settle(id, await stage.engine());
  expect(row).toMatchObject({ state: 'review', refused_before: true });
  expect(stage.effects(row)).toBe(0);
});
