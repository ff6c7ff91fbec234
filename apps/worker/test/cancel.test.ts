import { setTimeout as delay } from 'node:timers/promises';
import { eventually, seededRandom, testServerUrls } from '@kpay/testkit';
import { acceptTransfer } from '@kpay/transfers';
import { cancelTransfer } from '@kpay/transfers/operations';
import { createAdvanceNotifier } from '@kpay/transfers/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWorkerStage, order, type WorkerStage } from './worker-stage.ts';

// Each takes several transactions, which the embedded ledger takes one by one.
const RACES = testServerUrls() ? 1_000 : 40;
const AT_ONCE = 5;
const MAX_AIM_MS = 2_000;

let stage: WorkerStage;
beforeAll(async () => {
  stage = await openWorkerStage();
});
afterAll(() => stage.close());

it(`${RACES} times a cancel meets the worker that sends: each answer is true`, { timeout: 300_000 }, async () => {
  const random = seededRandom(7);
  const counts = { cancelled: 0, too_late: 0 };
  // The delay grows after each cancel in time and shrinks after each late one. So it comes close to the send.
  let aimMs = 10;
  let wrong = 0;
  let next = 0;
  const notify = createAdvanceNotifier(stage.advanceQueue);
  const race = async () => {
    const asked = { account: 'default', owner: 'test', body: { ...order(`race-${next++}`), amount: 100 } };
    const { transfer } = await acceptTransfer(stage.ledger, new Set(['default']), asked);
    await notify(transfer);
    await delay(aimMs * (0.5 + random()));
    const answer = await cancelTransfer(stage.ledger, stage.epochWitness, transfer.id, { by: 'ann' });
    if (answer?.outcome !== 'cancelled' && answer?.outcome !== 'too_late')
      throw new Error(`cancelling came to ${answer?.outcome}`);
    counts[answer.outcome] += 1;
    aimMs = Math.min(MAX_AIM_MS, aimMs * (answer.outcome === 'cancelled' ? 1.2 : 1 / 1.2));
    const row = await eventually(
      async () => {
        const found = await stage.find(transfer.id);
        expect(found.finished_at).not.toBeNull();
        return found;
      },
      { timeoutMs: 30_000 },
    );
    const effects = stage.simulator.control.truth({ externalId: row.kpay_external_id }).transfers.length;
    const expected = answer.outcome === 'cancelled' ? ['cancelled', 0] : ['succeeded', 1];
    if (row.state !== expected[0] || effects !== expected[1]) wrong += 1;
  };
  const raceOn = async () => {
    while (next < RACES) await race();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, raceOn));
  process.stdout.write(`${RACES} races: ${counts.cancelled} cancelled, ${counts.too_late} too late\n`);
  expect(wrong).toBe(0);
  // If one side always won, it was no race.
  expect(Math.min(counts.cancelled, counts.too_late)).toBeGreaterThan(0);
});
