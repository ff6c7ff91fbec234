import { seededRandom } from '@kpay/testkit';
import { describe, expect, it } from 'vitest';
import { createManualClock, type ManualClock } from '../test/manual-clock.ts';
import { type Budget, type BudgetSlot, budgetRules, createBudget, reservesFor } from './budget.ts';
import { type BudgetStore, createMemoryBudgetStore, type Lane, lanes, mayTake } from './stores/budget-store.ts';
import { createUrgency } from './stores/urgency.ts';

const WINDOW_MS = 60_000;

function open({
  limit = 100,
  clock = createManualClock(),
  store,
}: {
  limit?: number;
  clock?: ManualClock;
  store?: BudgetStore;
} = {}): {
  budget: Budget;
  clock: ManualClock;
  store: BudgetStore;
} {
  const shared = store ?? createMemoryBudgetStore({ clock });
  return { budget: createBudget({ store: shared, clock, limit, windowMs: WINDOW_MS }), clock, store: shared };
}

function takeMany(budget: Budget, lane: Lane, count: number): Promise<BudgetSlot[]> {
  return Promise.all(Array.from({ length: count }, () => budget.take(lane)));
}

/** Takes slots as they come, and counts them; each is answered at once. */
function countTakes(budget: Budget, lane: Lane, most: number): { taken: number } {
  const counted = { taken: 0 };
  const take = async (): Promise<void> => {
    (await budget.take(lane)).answered();
    counted.taken += 1;
  };
  for (let number = 0; number < most; number += 1) void take();
  return counted;
}

/** Takes what can be had at once, and tells how much that was. */
async function takeAll(budget: Budget, lane: Lane): Promise<BudgetSlot[]> {
  const slots: BudgetSlot[] = [];
  for (;;) {
    const slot = await budget.take(lane, { maxWaitMs: 0 }).catch(() => undefined);
    if (!slot) return slots;
    slots.push(slot);
  }
}

describe('a slot', () => {
  it('counts for a window from its answer, not from when it was taken', async () => {
    const { budget, clock } = open({ limit: 1 });
    const slot = await budget.take('money');
    await clock.advance(15_000);
    slot.answered();
    let next: BudgetSlot | undefined;
    budget.take('money').then((given) => {
      next = given;
    });
    await clock.advance(WINDOW_MS + 9);
    expect(next).toBeUndefined();
    await clock.advance(1);
    expect(next).toBeDefined();
  });

  it('that was never answered counts some seconds longer: KPay may receive it late', async () => {
    const { budget, clock } = open({ limit: 1 });
    (await budget.take('money')).unanswered();
    await clock.advance(WINDOW_MS + 4_000);
    expect(await budget.remaining()).toBe(0);
    await clock.advance(1_000);
    expect(await budget.remaining()).toBe(1);
  });

  it('that was not sent is free at once, and wakes who waits for it', async () => {
    const { budget, clock } = open({ limit: 1 });
    const slot = await budget.take('money');
    const waiting = budget.take('people');
    await clock.advance(0);
    slot.unsent();
    await expect(waiting).resolves.toBeDefined();
  });

  it('is settled once: what is said later changes nothing', async () => {
    const { budget } = open({ limit: 2 });
    const slot = await budget.take('money');
    slot.answered();
    slot.unsent();
    slot.unanswered();
    expect(await budget.remaining()).toBe(1);
  });

  it('is settled once in the store as well', async () => {
    const clock = createManualClock();
    const store = createMemoryBudgetStore({ clock });
    const rules = budgetRules({ limit: 2, windowMs: WINDOW_MS });
    const take = await store.take('money', rules);
    if (!take.granted) throw new Error('an empty store must grant a slot');
    await store.settle(take.slotId, 'answered', rules);
    await store.settle(take.slotId, 'unsent', rules);
    expect(await store.used()).toBe(1);
  });

  it('of a process that died counts until its lease and a window are over', async () => {
    const { budget, clock } = open({ limit: 1 });
    const slot = await budget.take('money');
    expect(slot.leaseExpiresAtMs).toBe(clock.monotonicMs() + 60_000);
    await clock.advance(60_000 + WINDOW_MS);
    expect(await budget.remaining()).toBe(0);
    await clock.advance(10);
    expect(await budget.remaining()).toBe(1);
  });

  it('that outlived its lease takes nothing from whoever has it now', async () => {
    const { budget, clock } = open({ limit: 1 });
    const frozen = await budget.take('money');
    await clock.advance(60_000 + WINDOW_MS + 10);
    await budget.take('money');
    frozen.unsent();
    expect(await budget.remaining()).toBe(0);
  });
});

describe('the lanes', () => {
  it('leave idle at most the unused reserves, which are there at once for the others', async () => {
    const { budget, clock } = open();
    const money = countTakes(budget, 'money', 100);
    await clock.advance(WINDOW_MS);
    expect(money.taken).toBe(90);
    expect(await takeAll(budget, 'people')).toHaveLength(2);
    expect(await takeAll(budget, 'checks')).toHaveLength(4);
    expect(await takeAll(budget, 'metrics')).toHaveLength(4);
    expect(await budget.remaining()).toBe(0);
  });

  it('use everything when every lane has a backlog', async () => {
    const { budget, clock } = open();
    for (const lane of ['metrics', 'people', 'checks'] as const) countTakes(budget, lane, 20);
    const money = countTakes(budget, 'money', 100);
    await clock.advance(WINDOW_MS);
    expect(money.taken).toBe(40);
    expect(await budget.remaining()).toBe(0);
  });

  it('remember whose an answered slot was for as long as it counts', async () => {
    const { budget, clock } = open();
    for (const slot of await takeMany(budget, 'people', 2)) slot.answered();
    countTakes(budget, 'money', 100);
    await clock.advance(WINDOW_MS - 1_000);
    expect(await takeAll(budget, 'people')).toHaveLength(0);
    expect(await takeAll(budget, 'checks')).toHaveLength(4);
  });

  it('follow the rule of the architecture in every state of a small budget', () => {
    const reserves = { money: 0, checks: 2, people: 1, metrics: 1 };
    const limit = 6;
    const rules = { ...budgetRules({ limit, windowMs: 1 }), reserves };
    let states = 0;
    for (let money = 0; money <= limit; money += 1)
      for (let checks = 0; checks + money <= limit; checks += 1)
        for (let people = 0; people + checks + money <= limit; people += 1)
          for (let metrics = 0; metrics + people + checks + money <= limit; metrics += 1) {
            const used = { money, checks, people, metrics };
            const inUse = money + checks + people + metrics;
            for (const lane of lanes) {
              const others = lanes.filter((each) => each !== lane);
              const unused = others.reduce((sum, each) => sum + Math.max(0, reserves[each] - used[each]), 0);
              const allowed = inUse < limit && (used[lane] < reserves[lane] || inUse + unused <= limit - 1);
              expect(mayTake(lane, used, rules, false)).toBe(allowed);
              states += 1;
            }
          }
    expect(states).toBeGreaterThan(800);
  });

  it.each([
    [1, 0, 0, 0],
    [2, 1, 0, 0],
    [3, 1, 1, 0],
    [4, 1, 1, 1],
    [10, 2, 1, 2],
    [20, 4, 2, 4],
    [100, 4, 2, 4],
  ])('of a limit of %i reserve %i, %i for people, %i for metrics, never all of it', (limit, checks, people, metrics) => {
    expect(reservesFor(limit)).toEqual({ money: 0, checks, people, metrics });
    expect(checks + people + metrics).toBeLessThan(limit);
  });

  it.each([1, 2, 3, 5])('do not starve each other over a limit of %i, however greedy they are', async (limit) => {
    const { budget, clock } = open({ limit });
    const served: Record<Lane, number> = { money: 0, checks: 0, people: 0, metrics: 0 };
    const stop = new AbortController();
    async function greedy(lane: Lane): Promise<void> {
      while (!stop.signal.aborted) {
        const slot = await budget.take(lane, { signal: stop.signal });
        served[lane] += 1;
        slot.answered();
      }
    }
    const eaters = lanes.map((lane) => greedy(lane).catch(() => {}));
    await clock.advance(20 * WINDOW_MS);
    stop.abort();
    await Promise.all(eaters);
    for (const lane of lanes) expect(served[lane]).toBeGreaterThanOrEqual(3);
  });
});

describe('a backlog of money', () => {
  const BACKLOG_MS = 8 * WINDOW_MS;
  const seconds = (count: number) => count * 1_000;

  /** Sends as fast as it is let, ten at once, each answered after 50 to 450 ms. Tells when each slot was given. */
  function work({ budget, clock }: { budget: Budget; clock: ManualClock }): number[] {
    const givenMs: number[] = [];
    const random = seededRandom(5);
    const send = async (): Promise<void> => {
      while (clock.monotonicMs() < BACKLOG_MS) {
        const slot = await budget.take('money');
        givenMs.push(clock.monotonicMs());
        await clock.sleep(50 + 400 * random());
        slot.answered();
      }
    };
    for (let number = 0; number < 10; number += 1) void send();
    return givenMs;
  }

  it('begins with a burst, then uses all that is not reserved, a slot at a time', async () => {
    const opened = open();
    const givenMs = work(opened);
    await opened.clock.advance(BACKLOG_MS);
    expect(givenMs.filter((atMs) => atMs < seconds(1)).length).toBeGreaterThanOrEqual(25);
    for (let fromMs = 0; fromMs < BACKLOG_MS; fromMs += WINDOW_MS) {
      const inWindow = givenMs.filter((atMs) => atMs >= fromMs && atMs < fromMs + WINDOW_MS);
      expect(inWindow.length, `from ${fromMs} ms`).toBeGreaterThanOrEqual(89);
      expect(inWindow.length, `from ${fromMs} ms`).toBeLessThanOrEqual(90);
    }
    // Slots that are free last until more come free, from the end of the burst on.
    const settled = givenMs.filter((atMs) => atMs > seconds(5));
    expect(Math.max(...settled.slice(1).map((atMs, index) => atMs - (settled[index] ?? 0)))).toBeLessThan(seconds(4));
  });

  it.each([3, 5, 30])('lets a person who asks every %i s wait for less than 3 s, at p95', async (everyS) => {
    const { budget, clock, store } = open();
    const { budget: elsewhere } = open({ clock, store });
    const givenMs = work({ budget, clock });
    await clock.advance(seconds(5));
    const waitsMs: number[] = [];
    const ask = async (): Promise<void> => {
      const askedMs = clock.monotonicMs();
      const slot = await elsewhere.take('people');
      waitsMs.push(clock.monotonicMs() - askedMs);
      await clock.sleep(200);
      slot.answered();
    };
    while (clock.monotonicMs() < BACKLOG_MS - seconds(10)) {
      void ask();
      await clock.advance(seconds(everyS));
    }
    await clock.advance(BACKLOG_MS - clock.monotonicMs());
    const atP95 = waitsMs.toSorted((a, b) => a - b)[Math.ceil(waitsMs.length * 0.95) - 1];
    expect(atP95).toBeLessThan(seconds(3));
    // What people took, money did not get, and nobody else either.
    const lastWindow = givenMs.filter((atMs) => atMs >= BACKLOG_MS - WINDOW_MS);
    expect(lastWindow.length).toBeGreaterThanOrEqual(90 - 60 / everyS);
  });

  it('is not starved by people, however many ask', async () => {
    const opened = open();
    const givenMs = work(opened);
    const ask = async (): Promise<void> => {
      while (opened.clock.monotonicMs() < BACKLOG_MS) (await opened.budget.take('people')).answered();
    };
    for (let number = 0; number < 10; number += 1) void ask();
    await opened.clock.advance(BACKLOG_MS);
    const lastWindow = givenMs.filter((atMs) => atMs >= BACKLOG_MS - WINDOW_MS);
    expect(lastWindow.length).toBeGreaterThanOrEqual(30);
  });

  it('sends little more than its limit when the store is wiped: its pace goes on', async () => {
    const clock = createManualClock();
    let memory = createMemoryBudgetStore({ clock });
    const store: BudgetStore = {
      ...memory,
      take: (...args) => memory.take(...args),
      settle: (...args) => memory.settle(...args),
    };
    const { budget } = open({ clock, store });
    const givenMs = work({ budget, clock });
    await clock.advance(2.5 * WINDOW_MS);
    memory = createMemoryBudgetStore({ clock });
    await clock.advance(WINDOW_MS);
    const wipedMs = 2.5 * WINDOW_MS;
    const most = Math.max(
      ...givenMs
        .filter((atMs) => atMs >= wipedMs)
        .map((untilMs) => givenMs.filter((atMs) => atMs > untilMs - WINDOW_MS && atMs <= untilMs).length),
    );
    expect(most).toBeGreaterThan(90);
    expect(most).toBeLessThanOrEqual(130);
  });
});

describe('waiting', () => {
  it('is first come first served within a lane', async () => {
    const { budget, clock } = open({ limit: 1 });
    (await budget.take('money')).answered();
    const order: number[] = [];
    for (const number of [1, 2, 3]) {
      budget.take('money').then((slot) => {
        order.push(number);
        slot.answered();
      });
    }
    await clock.advance(4 * WINDOW_MS);
    expect(order).toEqual([1, 2, 3]);
  });

  it('that cannot end in time is refused at once, with how long it would take', async () => {
    const { budget } = open({ limit: 1 });
    (await budget.take('money')).answered();
    await expect(budget.take('money', { maxWaitMs: 10_000 })).rejects.toMatchObject({
      name: 'RetryableError',
      reason: 'no_budget',
      retryAfterMs: WINDOW_MS + 10,
    });
  });

  it('goes on in the lane of whoever joins it, whichever gives a slot first', async () => {
    const { budget, clock } = open();
    for (const slot of await takeMany(budget, 'metrics', 4)) slot.answered();
    for (const slot of await takeAll(budget, 'money')) slot.answered();
    const urgency = createUrgency('metrics');
    let given: BudgetSlot | undefined;
    budget.take('metrics', { urgency }).then((slot) => {
      given = slot;
    });
    urgency.join('money');
    await clock.advance(100);
    expect(given).toBeUndefined();
    urgency.join('checks');
    await clock.advance(1);
    expect(given).toBeDefined();
    expect(urgency.lane).toBe('money');
  });

  it('that an abort ends leaves its place to the next, and takes no slot', async () => {
    const { budget, clock } = open({ limit: 1 });
    (await budget.take('money')).answered();
    const leaving = new AbortController();
    const left = budget.take('money', { signal: leaving.signal });
    const stayed = budget.take('money');
    leaving.abort(new Error('enough'));
    await expect(left).rejects.toMatchObject({ name: 'AbortError', code: 'aborted' });
    await clock.advance(WINDOW_MS + 10);
    await expect(stayed).resolves.toBeDefined();
    await expect(budget.take('money', { signal: leaving.signal })).rejects.toMatchObject({ code: 'aborted' });
  });

  it('that an abort ends while the store answers gives the slot back', async () => {
    const clock = createManualClock();
    const memory = createMemoryBudgetStore({ clock });
    const slow: BudgetStore = {
      ...memory,
      async take(...args) {
        await clock.sleep(10);
        return memory.take(...args);
      },
    };
    const { budget } = open({ clock, store: slow });
    const leaving = new AbortController();
    const left = budget.take('money', { signal: leaving.signal });
    await clock.advance(5);
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: 'aborted' });
    await clock.advance(10);
    expect(await budget.remaining()).toBe(100);
  });

  it('asks the store a bounded number of times: nobody polls in a loop', async () => {
    const clock = createManualClock();
    const memory = createMemoryBudgetStore({ clock });
    let takes = 0;
    const counting: BudgetStore = {
      ...memory,
      take: (...args) => {
        takes += 1;
        return memory.take(...args);
      },
    };
    const { budget } = open({ limit: 1, clock, store: counting });
    (await budget.take('money')).answered();
    void budget.take('money');
    takes = 0;
    await clock.advance(WINDOW_MS);
    expect(takes).toBeLessThanOrEqual(61);
  });

  it('ends with an error when the store fails, and a later one asks it again', async () => {
    const clock = createManualClock();
    const memory = createMemoryBudgetStore({ clock });
    let broken = true;
    const { budget } = open({
      clock,
      store: { ...memory, take: (...args) => (broken ? Promise.reject(new Error('down')) : memory.take(...args)) },
    });
    await expect(budget.take('money')).rejects.toMatchObject({ reason: 'no_budget' });
    broken = false;
    await expect(budget.take('money')).resolves.toBeDefined();
  });
});

describe('a 429', () => {
  it('stops every process that shares the budget until its Retry-After', async () => {
    const { budget, clock, store } = open();
    const { budget: elsewhere } = open({ clock, store });
    expect((await budget.take('money')).rateLimited(7_000)).toBe(7_000);
    await expect(elsewhere.take('people', { maxWaitMs: 6_999 })).rejects.toMatchObject({
      reason: 'no_budget',
      retryAfterMs: 7_000,
    });
    const waiting = elsewhere.take('people');
    await clock.advance(7_000);
    await expect(waiting).resolves.toBeDefined();
  });

  it('without one backs off 1, 2, 4 s, restarts after an answer, counts a burst once', async () => {
    const { budget, clock } = open();
    async function refuse(): Promise<number> {
      const slot = await budget.take('money');
      const waitMs = slot.rateLimited(undefined);
      await clock.advance(waitMs);
      return waitMs;
    }
    expect([await refuse(), await refuse(), await refuse()]).toEqual([1_000, 2_000, 4_000]);
    (await budget.take('money')).answered();
    expect(await refuse()).toBe(1_000);

    const [first, second] = await takeMany(budget, 'money', 2);
    expect(first?.rateLimited(undefined)).toBe(2_000);
    expect(second?.rateLimited(undefined)).toBe(2_000);
  });

  it.each([0, -5, Number.NaN])('with a Retry-After of %s ms backs off as without one', async (retryAfterMs) => {
    const { budget, clock } = open();
    for (const waitMs of [1_000, 2_000, 4_000]) {
      expect((await budget.take('money')).rateLimited(retryAfterMs)).toBe(waitMs);
      await clock.advance(waitMs);
    }
  });

  it('with an absurd Retry-After does not stop the account for days', async () => {
    const { budget } = open();
    expect((await budget.take('money')).rateLimited(86_400_000)).toBe(15 * 60_000);
  });
});

describe('a seed', () => {
  it('counts what was sent before the store was emptied', async () => {
    const { budget, clock } = open();
    await budget.seed(Array.from({ length: 40 }, (_, number) => ({ attempt: String(number), ageMs: 20_000 })));
    expect(await budget.remaining()).toBe(60);
    await clock.advance(45_000);
    expect(await budget.remaining()).toBe(100);
  });

  it('counts beside what the store knows, and a send that both know once', async () => {
    const { budget, clock } = open();
    (await budget.take('metrics')).answered();
    const slot = await budget.take('money');
    slot.sentAs('transfer.1');
    slot.answered();
    await clock.advance(0);
    const sent = Array.from({ length: 90 }, (_, number) => ({ attempt: `transfer.${number}`, ageMs: 1_000 }));
    await budget.seed(sent);
    await budget.seed(sent);
    expect(await budget.remaining()).toBe(9);
  });
});
