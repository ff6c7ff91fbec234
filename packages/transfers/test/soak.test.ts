import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { within } from '@kpay/ledger';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestLedger, type TestLedger } from '../../ledger/test/test-ledger.ts';
import { askCheck } from '../src/checks/ask-check.ts';
import type { Check, CheckContext } from '../src/checks/check.ts';
import { createEventFeed } from '../src/faces/worker.ts';

// Work that a process repeats all its life must leave nothing behind. KPAY_TEST_SOAK=1 repeats it as often as the
// numbers below say; without it a twentieth is done and may leave a twentieth.
const SHARE = process.env.KPAY_TEST_SOAK === '1' ? 1 : 1 / 40;
const CHECKS = 200_000 * SHARE;
const LOOKS = 100_000 * SHARE;
/** The normal variation of a heap of this size. */
const NOISE_BYTES = 2_000_000;
const MAY_LEAVE_BYTES = Math.max(20_000_000 * SHARE, NOISE_BYTES);
const TIMEOUT_MS = 600_000;

setFlagsFromString('--expose_gc');
const collect = runInNewContext('gc') as () => void;

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await openTestLedger();
});
afterAll(() => ledger.close());

/** How much larger the heap is after `work` was repeated, with all garbage collected. */
async function growth(times: number, work: () => Promise<unknown>): Promise<number> {
  const heap = async () => {
    for (let round = 0; round < 3; round += 1) {
      collect();
      await new Promise(setImmediate);
    }
    return process.memoryUsage().heapUsed;
  };
  // So that what is created once exists before.
  for (let time = 0; time < 200; time += 1) await work();
  const before = await heap();
  for (let time = 0; time < times; time += 1) {
    await work();
    if (time % 1_000 === 0) await new Promise(setImmediate);
  }
  return (await heap()) - before;
}

const now = new Date('2026-01-01T00:00:00Z');
const transfer = {} as Parameters<Check['check']>[0];

it('checks that are asked leave nothing behind while their process lives', { timeout: TIMEOUT_MS }, async () => {
  const life = new AbortController();
  const check: Check = { name: 'acme', check: async () => ({ verdict: 'pass' }) };
  const context = { now, signal: life.signal } as CheckContext;
  expect(await growth(CHECKS, () => askCheck(check, transfer, context))).toBeLessThan(MAY_LEAVE_BYTES);
});

it("somebody else's code that is run leaves nothing behind", { timeout: TIMEOUT_MS }, async () => {
  const life = new AbortController();
  expect(await growth(CHECKS, () => within(1_000, life.signal, () => true))).toBeLessThan(MAY_LEAVE_BYTES);
});

it('looks of a reader at the feed leave nothing behind while it reads', { timeout: TIMEOUT_MS }, async () => {
  const life = new AbortController();
  const feed = createEventFeed(ledger, { pollEveryMs: 0 });
  expect(await growth(LOOKS, () => feed.more('0', life.signal))).toBeLessThan(MAY_LEAVE_BYTES);
});
