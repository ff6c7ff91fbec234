import { systemClock } from '@kpay/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage } from '../../test/stage.ts';
import { pause } from '../faces/operations.ts';
import { openLedgerEpoch } from '../faces/worker.ts';
import { beginFirstSends } from '../send/begin.ts';

// On the embedded database there is one session: nobody waits for a lock there.
let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const SENDERS = 4;
const PAUSES = 10;
// Those under way, and what begins before the pause is in the queue. A starved one lets thousands past.
const MAX_PAST = 100;

it('a pause waits for the sends under way, and for none that come after it', async () => {
  const { pin } = await stage.engine();
  const epoch = await openLedgerEpoch({ ledger: stage.ledger, witness: stage.epochWitness, clock: systemClock });
  const row = await stage.accept();
  const context = { pin, epoch, worker: 'w', balanceMaxAgeMs: 60_000 };
  // Too old to judge by: locks are taken and looked behind as by every send, and nothing is written.
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
  // The first one opened its connection, while nothing of it was in the queue.
  expect(Math.max(...past.slice(1))).toBeLessThanOrEqual(MAX_PAST);
});
