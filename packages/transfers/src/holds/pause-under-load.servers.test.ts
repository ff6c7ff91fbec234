import { systemClock } from '@kpay/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage } from '../../test/stage.ts';
import { pause } from '../faces/operations.ts';
import { openLedgerEpoch } from '../faces/worker.ts';
import { beginFirstSends } from '../send/begin.ts';

// The embedded database has one session, so nothing waits for a lock there.
let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const SENDERS = 4;
const PAUSES = 10;
// The sends under way, and those that begin before the pause is in the queue. A starved pause lets thousands pass.
const MAX_PAST = 100;

it('a pause waits for the sends under way, and for none that come after it', async () => {
  const { pin } = await stage.engine();
  const epoch = await openLedgerEpoch({ ledger: stage.ledger, witness: stage.epochWitness, clock: systemClock });
  const row = await stage.accept();
  const context = { pin, epoch, worker: 'w', balanceMaxAgeMs: 60_000 };
  // The balance is too old. So each send takes its locks and reads as usual, and writes nothing.
  const snapshot = { wallets: [], askedAt: new Date(0) };
  let over = false;
  let sends = 0;
  const send = async () => {
    while (!over) {
      await stage.ledger.transaction((tx) => beginFirstSends(tx, [{ row, snapshot, inputs: {}, trace: null }], context));
      sends++;
    }
  };
  const senders = Promise.all(Array.from({ length: SENDERS }, send));
  const past: number[] = [];
  try {
    for (let number = 0; number < PAUSES; number++) {
      const before = sends;
      await expect.poll(() => sends).toBeGreaterThan(before + SENDERS);
      const from = sends;
      await pause(stage.ledger, { scope: 'corridor', account: 'default', corridor: 'CMR-GAB' }, { by: 'ann', reason: 'lunch' });
      past.push(sends - from);
    }
  } finally {
    over = true;
    await senders;
  }
  // The first one opened its connection while it was not in the queue yet.
  expect(Math.max(...past.slice(1))).toBeLessThanOrEqual(MAX_PAST);
});
