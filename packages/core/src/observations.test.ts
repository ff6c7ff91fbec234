import { describe, expect, it } from 'vitest';
import { createManualClock } from '../test/manual-clock.ts';
import { createBudget } from './budget.ts';
import { type WalletBalance, walletBalance } from './client/wallet-balance.ts';
import { RetryableError } from './errors.ts';
import { createObservations } from './observations.ts';
import { createMemoryBudgetStore } from './stores/budget-store.ts';
import { createMemorySharedStore } from './stores/shared-store.ts';

const CHECKS = { lane: 'checks' } as const;

function wallet(availableMinor: bigint): WalletBalance {
  return walletBalance('XAF', { balanceMinor: availableMinor, reservedMinor: 0n, availableMinor });
}

/** Observations over a KPay whose balance is 1, 2, 3 … at each read, and whose answers take 100 ms. */
function open({ clock = createManualClock(), store = createMemorySharedStore({ clock }) } = {}) {
  const reads: string[] = [];
  let failure: Error | undefined;
  async function answer<T>(what: string, value: (count: number) => T): Promise<T> {
    reads.push(what);
    const count = reads.length;
    await clock.sleep(100);
    if (failure) throw failure;
    return value(count);
  }
  const observations = createObservations({
    client: {
      balance: (options) => answer(`balance ${options?.urgency?.lane}`, (count) => [wallet(BigInt(count))]),
      availability: () => answer('availability', () => []),
      exchangeRate: (from, to) => answer(`${from}:${to}`, () => ({ from, to, rate: '1.0153' })),
    },
    store,
    clock,
  });
  return {
    observations,
    clock,
    store,
    reads,
    failWith: (error: Error | undefined) => {
      failure = error;
    },
  };
}

async function after<T>(clock: { advance(ms: number): Promise<void> }, ms: number, work: Promise<T>): Promise<T> {
  work.catch(() => {});
  await clock.advance(ms);
  return work;
}

describe('an observation', () => {
  it('is one read for all who ask while it runs, exact and dated on both sides', async () => {
    const { observations, clock, reads } = open();
    const askedAt = new Date(clock.now());
    const all = await after(clock, 100, Promise.all(Array.from({ length: 50 }, () => observations.balance(CHECKS))));
    expect(reads).toEqual(['balance checks']);
    for (const observed of all) {
      expect(observed).toEqual({ value: [wallet(1n)], askedAt, answeredAt: new Date(askedAt.getTime() + 100) });
    }
  });

  it('serves until its maximum age, counted from when KPay was asked', async () => {
    const { observations, clock, reads } = open();
    await after(clock, 100, observations.balance(CHECKS));
    await clock.advance(29_900);
    await observations.balance(CHECKS);
    expect(reads).toHaveLength(1);
    await clock.advance(1);
    await after(clock, 100, observations.balance(CHECKS));
    expect(reads).toHaveLength(2);
  });

  it('is read again for a caller who wants it younger, also during an older read', async () => {
    const { observations, clock, reads } = open();
    const lenient = observations.balance(CHECKS);
    await clock.advance(50);
    const strict = observations.balance({ ...CHECKS, maxAgeMs: 0 });
    await clock.advance(300);
    expect((await lenient).value).toEqual([wallet(1n)]);
    expect((await strict).value).toEqual([wallet(2n)]);
    expect(reads).toHaveLength(2);
  });

  it('is not given to a strict caller by the refresh of a lenient one', async () => {
    const { observations, clock, reads } = open();
    await after(clock, 100, observations.balance(CHECKS));
    await clock.advance(5_000);
    const strict = observations.balance({ ...CHECKS, maxAgeMs: 1_000 });
    const lenient = observations.balance(CHECKS);
    await clock.advance(300);
    expect((await strict).value).toEqual([wallet(2n)]);
    await lenient;
    expect(reads).toHaveLength(2);
  });

  /** An account with a budget whose metrics have none left, while checks have theirs. */
  async function openBusy({ clock = createManualClock(), store = createMemorySharedStore({ clock }) } = {}) {
    const budget = createBudget({ store: createMemoryBudgetStore({ clock }), clock, limit: 100, windowMs: 60_000 });
    for (;;) {
      const slot = await budget.take('metrics', { maxWaitMs: 0 }).catch(() => undefined);
      if (!slot) break;
      slot.answered();
    }
    const reads: number[] = [];
    const observations = createObservations({
      client: {
        async balance({ lane = 'people', urgency } = {}) {
          (await budget.take(lane, { urgency })).answered();
          reads.push(clock.monotonicMs());
          return [wallet(1n)];
        },
        availability: async () => [],
        exchangeRate: async (from, to) => ({ from, to, rate: '1' }),
      },
      store,
      clock,
    });
    return { observations, clock, store, reads };
  }

  it.each(['one process', 'two processes'])('of somebody in no hurry does not hold up a check, in %s', async (which) => {
    const first = await openBusy();
    const second = which === 'one process' ? first : await openBusy({ clock: first.clock, store: first.store });
    const slow = first.observations.balance({ lane: 'metrics' });
    await first.clock.advance(500);
    const startedMs = first.clock.monotonicMs();
    const check = second.observations.balance(CHECKS).then(() => first.clock.monotonicMs() - startedMs);
    await first.clock.advance(30_000);
    expect(await check).toBeLessThan(100);
    await slow;
    if (first === second) expect(first.reads).toHaveLength(1);
  });

  it('in the future since the clock was set back is read again once, then believed', async () => {
    const { observations, clock, reads } = open();
    await after(clock, 100, observations.balance(CHECKS));
    clock.set(-3_600_000);
    expect((await after(clock, 100, observations.balance(CHECKS))).value).toEqual([wallet(2n)]);
    await clock.advance(5_000);
    await observations.balance(CHECKS);
    expect(reads).toHaveLength(2);
    expect((await observations.peekBalance())?.value).toEqual([wallet(2n)]);
  });

  it.each([-3_600_000, 3_600_000])('is one read when the clock is set by %i ms while it runs', async (byMs) => {
    const { observations, clock, reads } = open();
    const asking = observations.balance({ ...CHECKS, maxAgeMs: 0 });
    await clock.advance(50);
    clock.set(byMs);
    await after(clock, 500, asking);
    expect(reads).toHaveLength(1);
  });

  it('that failed is asked for again within a second, whatever the clock is set to', async () => {
    const { observations, clock, reads, failWith } = open();
    failWith(new RetryableError('no', { reason: 'server_error' }));
    await expect(after(clock, 100, observations.balance(CHECKS))).rejects.toMatchObject({ reason: 'server_error' });
    failWith(undefined);
    clock.set(-3_600_000);
    await clock.advance(1_000);
    expect(await after(clock, 100, observations.balance(CHECKS))).toBeDefined();
    expect(reads).toHaveLength(2);
  });

  it('is one read for two processes with one store', async () => {
    const first = open();
    const second = open({ clock: first.clock, store: first.store });
    const both = Promise.all([first.observations.balance(CHECKS), second.observations.balance(CHECKS)]);
    const [one, other] = await after(first.clock, 300, both);
    expect(other).toEqual(one);
    expect([...first.reads, ...second.reads]).toHaveLength(1);
  });

  it('that fails throws to all who waited, is remembered, and keeps the last value', async () => {
    const { observations, clock, reads, failWith } = open();
    await after(clock, 100, observations.balance(CHECKS));
    await clock.advance(60_000);
    failWith(new RetryableError('no', { reason: 'server_error' }));
    const waiting = Promise.allSettled([observations.balance(CHECKS), observations.balance(CHECKS)]);
    expect((await after(clock, 100, waiting)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(reads).toHaveLength(2);
    expect(observations.lastFailure('balance')).toMatchObject({ error: { reason: 'server_error' }, at: new Date(clock.now()) });
    expect((await observations.peekBalance())?.value).toEqual([wallet(1n)]);

    failWith(undefined);
    await clock.advance(1_000);
    await after(clock, 100, observations.balance(CHECKS));
    expect(observations.lastFailure('balance')).toBeUndefined();
  });

  it('that just failed is not asked for again at once, however many want it', async () => {
    const { observations, clock, reads, failWith } = open();
    failWith(new RetryableError('no', { reason: 'server_error' }));
    await expect(after(clock, 100, observations.balance(CHECKS))).rejects.toMatchObject({ reason: 'server_error' });
    for (let count = 0; count < 10; count += 1) {
      await expect(after(clock, 99, observations.balance(CHECKS))).rejects.toMatchObject({ reason: 'server_error' });
    }
    expect(reads).toHaveLength(1);
    await clock.advance(10);
    await expect(after(clock, 100, observations.balance(CHECKS))).rejects.toMatchObject({ reason: 'server_error' });
    expect(reads).toHaveLength(2);
  });

  it('goes on for the others when the caller who began it leaves', async () => {
    const { observations, clock, reads } = open();
    const leaving = new AbortController();
    const left = observations.balance({ ...CHECKS, signal: leaving.signal });
    const stayed = observations.balance(CHECKS);
    await clock.advance(50);
    leaving.abort();
    await expect(left).rejects.toMatchObject({ name: 'AbortError', code: 'aborted' });
    expect((await after(clock, 100, stayed)).value).toEqual([wallet(1n)]);
    expect(reads).toHaveLength(1);
  });

  it('cannot be changed by a caller: another caller does not see the change', async () => {
    const { observations, clock } = open();
    const first = await after(clock, 100, observations.balance(CHECKS));
    expect(() => first.value.pop()).toThrow(TypeError);
    expect(() => Object.assign(first.value[0] ?? {}, { availableMinor: 0n })).toThrow(TypeError);
    first.askedAt.setTime(0);
    expect(await observations.balance(CHECKS)).toMatchObject({ value: [wallet(1n)], askedAt: new Date(clock.now() - 100) });
  });
});

it('rates of different pairs, balance and availability are different observations', async () => {
  const { observations, clock, reads } = open();
  await after(
    clock,
    100,
    Promise.all([
      observations.rate('XAF', 'XOF', CHECKS),
      observations.rate('XOF', 'XAF', CHECKS),
      observations.rate('XAF', 'XOF', CHECKS),
      observations.availability(CHECKS),
      observations.balance(CHECKS),
    ]),
  );
  expect(reads.toSorted()).toEqual(['XAF:XOF', 'XOF:XAF', 'availability', 'balance checks']);
  expect((await observations.peekRate('XAF', 'XOF'))?.value.rate).toBe('1.0153');
  expect(await observations.peekRate('KES', 'XAF')).toBeUndefined();
});

it('peek asks KPay for nothing', async () => {
  const { observations, reads } = open();
  expect(await observations.peekBalance()).toBeUndefined();
  expect(await observations.peekAvailability()).toBeUndefined();
  expect(reads).toEqual([]);
});
