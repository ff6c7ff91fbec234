import { randomUUID } from 'node:crypto';
import { eventually, seededRandom } from '@kpay/testkit';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { openStoresUnderTest } from '../../test/stores-under-test.ts';
import { budgetRules } from '../budget.ts';
import { type BudgetRules, type BudgetStore, type Lane, lanes, mayTake, type SentBefore, type Take } from './budget-store.ts';
import type { SharedStore } from './shared-store.ts';

const kinds = await openStoresUnderTest();
afterAll(async () => {
  for (const each of kinds) await each.close();
});

const MINUTE_MS = 60_000;
/** What scripts and timers may take on a busy machine. */
const SLACK_MS = 2_000;

/** Slots are not paced, except in the tests of pacing. */
function rulesOf(limit: number, times: Partial<BudgetRules> = {}): BudgetRules {
  return { ...budgetRules({ limit, windowMs: MINUTE_MS }), burst: limit, ...times };
}

function slotOf(take: Take): string {
  if (!take.granted) throw new Error('the store must grant a slot here');
  return take.slotId;
}

/** A seed of attempt-0, attempt-1 and so on. */
function sentBefore(...agesMs: number[]): SentBefore[] {
  return agesMs.map((ageMs, number) => ({ attempt: `attempt-${number}`, ageMs }));
}

/** How long after this moment the store counts nothing any more. */
async function freeAfterMs(store: BudgetStore): Promise<number> {
  const startMs = performance.now();
  await eventually(async () => expect(await store.used()).toBe(0), { everyMs: 5, timeoutMs: 10_000 });
  return performance.now() - startMs;
}

describe.each(kinds)('the budget in $kind', ({ first, second }) => {
  let store: BudgetStore;
  let other: BudgetStore;
  beforeEach(() => {
    const key = randomUUID();
    store = first.budget(key);
    other = second.budget(key);
  });

  it('counts an answered slot for one window from its answer', async () => {
    const rules = rulesOf(1, { windowMs: 300 });
    const slotId = slotOf(await store.take('money', rules));
    await store.settle(slotId, 'answered', rules);
    const take = await store.take('money', rules);
    expect(take).toMatchObject({ granted: false });
    if (!take.granted) expect(take.waitMs).toBeLessThanOrEqual(310);
    const tookMs = await freeAfterMs(store);
    expect(tookMs).toBeGreaterThan(200);
    expect(tookMs).toBeLessThan(300 + SLACK_MS);
  });

  it('counts an unanswered slot five seconds longer', async () => {
    const rules = rulesOf(1);
    await store.settle(slotOf(await store.take('money', rules)), 'unanswered', rules);
    const take = await store.take('money', rules);
    if (take.granted) throw new Error('the only slot is taken');
    expect(take.waitMs).toBeGreaterThan(MINUTE_MS + 5_000 - SLACK_MS);
    expect(take.waitMs).toBeLessThanOrEqual(MINUTE_MS + 5_000);
  });

  it('frees an unsent slot at once', async () => {
    const rules = rulesOf(1);
    await store.settle(slotOf(await store.take('money', rules)), 'unsent', rules);
    expect(await store.used()).toBe(0);
    expect(await other.take('money', rules)).toMatchObject({ granted: true });
  });

  it('counts a slot nobody settles until its lease and a window are over', async () => {
    await store.take('money', rulesOf(1, { windowMs: 200, leaseMs: 300 }));
    const tookMs = await freeAfterMs(store);
    expect(tookMs).toBeGreaterThan(400);
    expect(tookMs).toBeLessThan(500 + SLACK_MS);
  });

  it('says of a held slot that it may be free a window from now, not a lease later', async () => {
    const rules = rulesOf(1, { windowMs: 1_000 });
    await store.take('money', rules);
    const take = await store.take('money', rules);
    if (take.granted) throw new Error('the only slot is held');
    expect(take.waitMs).toBeCloseTo(1_010);
  });

  it('gives no slot to a lane that it does not know', async () => {
    for (const lane of ['undefined', undefined, 'MONEY']) {
      await expect(store.take(lane as Lane, rulesOf(100)), String(lane)).rejects.toThrow('lane must be one of');
    }
    expect(await other.used()).toBe(0);
  });

  it('counts in whole milliseconds, however a window is given', async () => {
    const rules = rulesOf(2, { windowMs: 300.0004, leaseMs: 1_000.3, catchUpMs: 10.7 });
    const slots = [slotOf(await store.take('checks', rules)), slotOf(await store.take('checks', rules))];
    expect(await store.take('checks', rules)).toMatchObject({ granted: false });
    for (const slot of slots) await store.settle(slot, 'answered', rules);
    await store.block(0.4);
    await eventually(async () => expect(await other.take('checks', rules)).toMatchObject({ granted: true }));
  });

  it('settles a slot once, and none that it does not know', async () => {
    const rules = rulesOf(2);
    const slotId = slotOf(await store.take('money', rules));
    await store.settle(slotId, 'answered', rules);
    await store.settle(slotId, 'unsent', rules);
    await store.settle('money:never-given', 'answered', rules);
    expect(await other.used()).toBe(1);
  });

  it('gives slots by the lane rule, whatever is taken and given back in whatever order', async () => {
    const rules = { ...rulesOf(6), reserves: { money: 0, checks: 2, people: 1, metrics: 1 } };
    const random = seededRandom(7);
    const held: Array<{ lane: Lane; slotId: string }> = [];
    const used = { money: 0, checks: 0, people: 0, metrics: 0 };
    let refused = 0;
    for (let step = 0; step < 600; step += 1) {
      const [given] = random() < 0.3 ? held.splice(Math.floor(random() * held.length), 1) : [];
      if (given) {
        await store.settle(given.slotId, 'unsent', rules);
        used[given.lane] -= 1;
        continue;
      }
      const lane = lanes[Math.floor(random() * lanes.length)] ?? 'money';
      const take = await (step % 2 ? store : other).take(lane, rules);
      expect(take.granted, `${lane} with ${JSON.stringify(used)}`).toBe(mayTake(lane, used, rules, false));
      if (take.granted) {
        held.push({ lane, slotId: take.slotId });
        used[lane] += 1;
      } else refused += 1;
    }
    expect(refused).toBeGreaterThan(100);
  });

  it('gives a burst, then one slot at a time, and catches up on missed ones', async () => {
    const reserves = { money: 0, checks: 1, people: 1, metrics: 1 };
    const rules = rulesOf(13, { burst: 3, pace: 1, catchUpMs: 15_000, reserves });
    const takes: Take[] = [];
    for (let number = 0; number < 6; number += 1) takes.push(await (number % 2 ? store : other).take('money', rules));
    // Of the ten that money may have seven and then six are left for a minute: 8.6 s, then 10 s, of which 15 s may be late.
    expect(takes.map(({ granted }) => granted)).toEqual([true, true, true, true, true, false]);
    const [last] = takes.slice(-1);
    if (!last || last.granted) throw new Error('money is paced');
    expect(last.waitMs).toBeGreaterThan(3_575 - SLACK_MS);
    expect(last.waitMs).toBeLessThanOrEqual(3_576);
    for (const lane of ['checks', 'people', 'metrics'] as const)
      expect(await store.take(lane, rules)).toMatchObject({ granted: true });
  });

  it('gives the next slot when it is due', async () => {
    const rules = rulesOf(100, { burst: 0, pace: 0.3, catchUpMs: 0 });
    expect(await store.take('money', rules)).toMatchObject({ granted: true });
    const startMs = performance.now();
    expect(await other.take('money', rules)).toMatchObject({ granted: false });
    await eventually(async () => expect(await other.take('money', rules)).toMatchObject({ granted: true }), { everyMs: 5 });
    expect(performance.now() - startMs).toBeGreaterThan(100);
  });

  /** Every slot is taken, one of them by a person, and another person waits. Then one of money's is given back. */
  async function freeOneWhileSomebodyWaits(rules: BudgetRules): Promise<void> {
    const money: string[] = [];
    await store.take('people', rules);
    for (const lane of ['checks', 'metrics'] as const) await store.take(lane, rules);
    for (let number = 3; number < rules.limit; number += 1) money.push(slotOf(await other.take('money', rules)));
    expect(await store.take('people', rules)).toMatchObject({ granted: false });
    await other.settle(money[0] ?? '', 'unsent', rules);
  }

  it('keeps the next slot for a person who waits, until they should have asked again', async () => {
    const rules = rulesOf(8);
    await freeOneWhileSomebodyWaits(rules);
    for (const lane of ['money', 'checks', 'metrics'] as const) {
      expect(await other.take(lane, rules), lane).toMatchObject({ granted: false });
    }
    await eventually(async () => expect(await other.take('money', rules)).toMatchObject({ granted: true }));
  });

  it('gives a person who waits the slot that was kept', async () => {
    const rules = rulesOf(8);
    await freeOneWhileSomebodyWaits(rules);
    expect(await store.take('people', rules)).toMatchObject({ granted: true });
  });

  it('keeps none for people who have had their part of the limit', async () => {
    const rules = rulesOf(8, { interactiveShare: 1 });
    await freeOneWhileSomebodyWaits(rules);
    expect(await other.take('money', rules)).toMatchObject({ granted: true });
  });

  it('remembers whose an answered slot was', async () => {
    const rules = rulesOf(100);
    for (let number = 0; number < 90; number += 1) {
      await store.settle(slotOf(await store.take('money', rules)), 'answered', rules);
    }
    expect(await other.take('money', rules)).toMatchObject({ granted: false });
    expect(await other.take('people', rules)).toMatchObject({ granted: true });
  });

  it('never gives more than the limit to two clients that take at once', async () => {
    const rules = rulesOf(50);
    const takes = Array.from({ length: 200 }, (_, number) =>
      (number % 2 ? store : other).take(lanes[number % 4] ?? 'money', rules),
    );
    expect((await Promise.all(takes)).filter(({ granted }) => granted)).toHaveLength(50);
    expect(await store.used()).toBe(50);
  });

  it('gives no slot while it is blocked; a shorter block does not cut a longer one', async () => {
    await store.block(400);
    await other.block(1);
    const take = await other.take('people', rulesOf(100));
    if (take.granted) throw new Error('the budget is blocked');
    expect(take.waitMs).toBeGreaterThan(0);
    expect(take.waitMs).toBeLessThanOrEqual(400);
    expect(await store.used()).toBe(0);
    await eventually(async () => expect(await other.take('people', rulesOf(100))).toMatchObject({ granted: true }));
  });

  it('counts a seed as what money sent, less its age and five seconds longer', async () => {
    const rules = rulesOf(2);
    await store.seed(sentBefore(20_000, 20_000, MINUTE_MS + 6_000), rules);
    expect(await other.used()).toBe(2);
    const take = await other.take('people', rules);
    if (take.granted) throw new Error('the seed fills the budget');
    expect(take.waitMs).toBeGreaterThan(45_000 - SLACK_MS);
    expect(take.waitMs).toBeLessThanOrEqual(45_000);
  });

  it('merges seeds by attempt with what it knows, whoever comes first', async () => {
    const rules = rulesOf(100);
    await store.take('metrics', rules);
    const sending = slotOf(await store.take('money', rules));
    const sent = slotOf(await store.take('money', rules));
    await store.settle(sent, 'answered', rules, 'attempt-0');
    for (const each of [other, store]) await each.seed(sentBefore(1_000, 2_000, 70_000), rules);
    expect(await store.used()).toBe(4);
    // Under way it counts as a slot and as a seed; when it has ended, once.
    await store.settle(sending, 'unanswered', rules, 'attempt-1');
    expect(await other.used()).toBe(3);
  });

  it('counts a seed from the future for no longer than one of now', async () => {
    const rules = rulesOf(1);
    await store.seed(sentBefore(-3_600_000), rules);
    const take = await store.take('money', rules);
    if (take.granted) throw new Error('the seed fills the budget');
    expect(take.waitMs).toBeLessThanOrEqual(MINUTE_MS + 5_000);
  });
});

describe.each(kinds)('shared values in $kind', ({ first, second }) => {
  let store: SharedStore;
  let other: SharedStore;
  beforeEach(() => {
    const key = randomUUID();
    store = first.shared(key);
    other = second.shared(key);
  });

  const entryOf = (text: string, ageMs = 0) => ({ text, askedAtMs: Date.now() - ageMs - 5, answeredAtMs: Date.now() - ageMs });

  it('are there for everybody, text and dates', async () => {
    const entry = entryOf('{"é":"\n"}', 1_000);
    await store.write('balance', entry, MINUTE_MS);
    const read = await other.read('balance');
    expect(read?.text).toBe(entry.text);
    expect(Math.abs((read?.askedAtMs ?? 0) - entry.askedAtMs)).toBeLessThan(100);
    expect((read?.answeredAtMs ?? 0) - (read?.askedAtMs ?? 0)).toBe(entry.answeredAtMs - entry.askedAtMs);
    expect(await other.read('rate')).toBeUndefined();
  });

  it('are forgotten when their time is over', async () => {
    await store.write('token', entryOf('t1'), 100);
    expect(await other.read('token')).toMatchObject({ text: 't1' });
    await eventually(async () => expect(await other.read('token')).toBeUndefined());
  });

  it('give way to what was asked for later, and never to what was asked for before', async () => {
    await store.write('balance', entryOf('middle', 1_000), MINUTE_MS);
    await other.write('balance', entryOf('old', 2_000), MINUTE_MS);
    expect(await other.read('balance')).toMatchObject({ text: 'middle' });
    await other.write('balance', entryOf('new'), MINUTE_MS);
    expect(await store.read('balance')).toMatchObject({ text: 'new' });
  });

  it('are forgotten only as the text that was meant', async () => {
    await store.write('token', entryOf('t2'), MINUTE_MS);
    await other.forget('token', 't1');
    expect(await store.read('token')).toMatchObject({ text: 't2' });
    await other.forget('token', 't2');
    expect(await store.read('token')).toBeUndefined();
  });

  it('are refreshed by one holder at a time, who alone can end it', async () => {
    const both = await Promise.all([store.lock('token', 'a', MINUTE_MS), other.lock('token', 'b', MINUTE_MS)]);
    const [winner, loser] = both[0].locked ? ['a', 'b'] : ['b', 'a'];
    expect(both.filter(({ locked }) => locked)).toHaveLength(1);
    await other.unlock('token', loser);
    expect(await other.lock('token', loser, MINUTE_MS)).toMatchObject({ locked: false });
    await store.unlock('token', winner);
    expect(await other.lock('token', loser, MINUTE_MS)).toMatchObject({ locked: true });
  });

  it('are refreshed by who is more urgent than the holder, and by nobody who is not', async () => {
    expect(await store.lock('balance', 'exporter', MINUTE_MS, 'metrics')).toMatchObject({ locked: true });
    expect(await other.lock('balance', 'another', MINUTE_MS, 'metrics')).toMatchObject({ locked: false });
    expect(await other.lock('balance', 'another', MINUTE_MS)).toMatchObject({ locked: false });
    expect(await other.lock('balance', 'worker', MINUTE_MS, 'checks')).toMatchObject({ locked: true });
    await store.unlock('balance', 'exporter');
    expect(await store.lock('balance', 'page', MINUTE_MS, 'people')).toMatchObject({ locked: false });
    await other.unlock('balance', 'worker');
    expect(await store.lock('balance', 'exporter', MINUTE_MS, 'metrics')).toMatchObject({ locked: true });
  });

  it('are refreshed by another one when the holder is gone', async () => {
    await store.lock('token', 'killed', 200);
    expect(await other.lock('token', 'heir', MINUTE_MS)).toMatchObject({ locked: false });
    await eventually(async () => expect(await other.lock('token', 'heir', MINUTE_MS)).toMatchObject({ locked: true }));
    await store.unlock('token', 'killed');
    expect(await store.lock('token', 'third', MINUTE_MS)).toMatchObject({ locked: false });
  });

  it('come with the lock, as the last holder left them', async () => {
    await store.write('token', entryOf('t1'), MINUTE_MS);
    expect(await other.lock('token', 'a', MINUTE_MS)).toMatchObject({ locked: true, entry: { text: 't1' } });
  });
});
