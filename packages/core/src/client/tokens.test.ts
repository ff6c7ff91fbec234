import { eventually } from '@kpay/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createManualClock, type ManualClock } from '../../test/manual-clock.ts';
import { type RawRequest, type RawServer, startRawServer, TOKEN_ANSWER } from '../../test/raw-server.ts';
import { createTestClient } from '../../test/test-client.ts';
import { type Budget, createBudget } from '../budget.ts';
import { RetryableError } from '../errors.ts';
import { createMemoryBudgetStore } from '../stores/budget-store.ts';
import { createMemorySharedStore } from '../stores/shared-store.ts';
import { parseDurationMs } from './endpoints.ts';
import { createTokenSource } from './tokens.ts';

const MONEY = { lane: 'money' } as const;
const LIFETIME_MS = 30 * 60_000;

/** A source over a KPay that hands out t1, t2, … and whose answers the test can hold back. */
function open({
  clock = createManualClock(),
  store = createMemorySharedStore({ clock }),
  lifetimeMs = LIFETIME_MS,
  random = (): number => 0.5,
} = {}) {
  const requests: Array<{ lane: string; answer: () => void; fail: (error: Error) => void }> = [];
  let held = false;
  const source = createTokenSource({
    store,
    clock,
    random,
    request: ({ lane }) => {
      const number = requests.length + 1;
      return new Promise((resolve, reject) => {
        const answer = (): void => resolve({ accessToken: `t${number}`, lifetimeMs, environment: 'TEST' });
        requests.push({ lane, answer, fail: reject });
        if (!held) answer();
      });
    },
  });
  return {
    source,
    clock,
    store,
    requests,
    hold: () => {
      held = true;
    },
  };
}

describe('a token', () => {
  it('is asked for once by a hundred callers at once', async () => {
    const { source, requests } = open();
    const tokens = await Promise.all(Array.from({ length: 100 }, () => source.get(MONEY)));
    expect(new Set(tokens.map(({ accessToken }) => accessToken))).toEqual(new Set(['t1']));
    expect(requests).toHaveLength(1);
  });

  it('is asked for once by two processes that share a store', async () => {
    const first = open();
    const second = open({ clock: first.clock, store: first.store });
    first.hold();
    const both = [first.source.get(MONEY), second.source.get(MONEY)];
    await first.clock.advance(200);
    first.requests[0]?.answer();
    await first.clock.advance(200);
    expect((await Promise.all(both)).map(({ accessToken }) => accessToken)).toEqual(['t1', 't1']);
    expect(second.requests).toHaveLength(0);
  });

  it('from the future is not used: the clock was set back, its end is unknown', async () => {
    const { source, clock, requests } = open();
    const held = await source.get(MONEY);
    clock.set(-3_600_000);
    expect(held.stillGood()).toBe(false);
    expect(await source.get(MONEY)).toMatchObject({ accessToken: 't2', expiresAtMs: clock.monotonicMs() + LIFETIME_MS });
    await source.get(MONEY);
    expect(requests).toHaveLength(2);
  });

  it('is asked for by another process when the first one died over it', async () => {
    const first = open();
    const second = open({ clock: first.clock, store: first.store });
    first.hold();
    first.source.get(MONEY).catch(() => {});
    const waiting = second.source.get(MONEY);
    await first.clock.advance(31_000);
    expect(await waiting).toMatchObject({ accessToken: 't1' });
    expect(second.requests).toHaveLength(1);
  });

  it('is asked for in the lane of its caller', async () => {
    const { source, requests } = open();
    await source.get({ lane: 'people' });
    expect(requests[0]?.lane).toBe('people');
  });

  it('is renewed in the background before it grows old; callers keep the old one', async () => {
    const { source, clock, requests, hold } = open();
    await source.get(MONEY);
    await clock.advance(LIFETIME_MS * 0.6);
    await source.get(MONEY);
    expect(requests).toHaveLength(1);
    await clock.advance(LIFETIME_MS * 0.2);
    hold();
    expect(await source.get(MONEY)).toMatchObject({ accessToken: 't1' });
    await clock.advance(0);
    expect(requests).toHaveLength(2);
    requests[1]?.answer();
    await clock.advance(0);
    expect(await source.get(MONEY)).toMatchObject({ accessToken: 't2' });
  });

  it('is asked for anew at a different moment by each process', async () => {
    for (const [random, share, asked] of [
      [() => 0, 0.75, 1],
      [() => 1, 0.75, 2],
      [() => 0, 0.85, 2],
    ] as const) {
      const { source, clock, requests } = open({ random });
      await source.get(MONEY);
      await clock.advance(LIFETIME_MS * share);
      await source.get(MONEY);
      await clock.advance(0);
      expect(requests).toHaveLength(asked);
    }
  });

  it('whose early refresh fails goes on serving, and is not asked for at every call', async () => {
    const { source, clock, requests, hold } = open();
    await source.get(MONEY);
    await clock.advance(LIFETIME_MS * 0.9);
    hold();
    expect(await source.get(MONEY)).toMatchObject({ accessToken: 't1' });
    await clock.advance(0);
    requests[1]?.fail(new RetryableError('no', { reason: 'timeout' }));
    await clock.advance(9_000);
    expect(await source.get(MONEY)).toMatchObject({ accessToken: 't1' });
    await clock.advance(1_000);
    expect(requests).toHaveLength(2);
    expect(await source.get(MONEY)).toMatchObject({ accessToken: 't1' });
    await clock.advance(0);
    expect(requests).toHaveLength(3);
  });

  it('with less than two minutes left is not given out', async () => {
    const { source, clock } = open();
    await source.get(MONEY);
    await clock.advance(LIFETIME_MS - 119_000);
    expect(await source.get(MONEY)).toMatchObject({ accessToken: 't2' });
  });

  it('that lives for less than two minutes is used for half its life', async () => {
    const { source, clock, requests } = open({ lifetimeMs: 20_000 });
    const first = await source.get(MONEY);
    expect(first.expiresAtMs - clock.monotonicMs()).toBe(20_000);
    await clock.advance(9_000);
    expect(await source.get(MONEY)).toMatchObject({ accessToken: 't1' });
    await clock.advance(2_000);
    expect(await source.get(MONEY)).toMatchObject({ accessToken: 't2' });
    expect(requests).toHaveLength(2);
  });

  it('that was refused is forgotten, and only that one', async () => {
    const { source } = open();
    const refused = await source.get(MONEY);
    await refused.forget();
    expect(await source.get(MONEY)).toMatchObject({ accessToken: 't2' });
    // A second caller whose call with t1 was refused later must not throw t2 away.
    await refused.forget();
    expect(await source.get(MONEY)).toMatchObject({ accessToken: 't2' });
  });

  it('is still fetched for the others when the caller who began it leaves', async () => {
    const { source, requests, hold } = open();
    hold();
    const leaving = new AbortController();
    const left = source.get({ lane: 'money', signal: leaving.signal });
    const stayed = source.get(MONEY);
    await eventually(() => expect(requests).toHaveLength(1));
    leaving.abort();
    await expect(left).rejects.toMatchObject({ name: 'AbortError', code: 'aborted' });
    requests[0]?.answer();
    expect(await stayed).toMatchObject({ accessToken: 't1' });
    expect(requests).toHaveLength(1);
  });

  it('that cannot be had fails for all who waited, and the next caller asks again', async () => {
    const { source, clock, requests, hold } = open();
    hold();
    const waiting = [source.get(MONEY), source.get(MONEY)];
    const settled = Promise.allSettled(waiting);
    await clock.advance(0);
    requests[0]?.fail(new RetryableError('no', { reason: 'server_error' }));
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const again = source.get(MONEY);
    await clock.advance(0);
    requests[1]?.answer();
    expect(await again).toMatchObject({ accessToken: 't2' });
  });
});

it.each([
  ['30m', 1_800_000],
  ['1800s', 1_800_000],
  ['1800', 1_800_000],
  ['1h', 3_600_000],
  ['1.5h', 5_400_000],
  ['500ms', 500],
  [' 2 H ', 7_200_000],
  ['365d', 86_400_000],
  ['0m', undefined],
  ['soon', undefined],
  ['-5m', undefined],
  ['', undefined],
  [null, undefined],
])('parseDurationMs reads %j as %s', (text, durationMs) => {
  expect(parseDurationMs(text)).toBe(durationMs);
});

describe('against a server', () => {
  let server: RawServer;
  let onToken: (request: RawRequest) => void;
  beforeEach(async () => {
    onToken = (request) => request.reply(201, TOKEN_ANSWER);
    server = await startRawServer((request) => onToken(request));
  });
  afterEach(() => server.close());

  it('a hundred callers with an empty cache make one request, with an empty body', async () => {
    const { client } = createTestClient(server.baseUrl);
    await Promise.all(Array.from({ length: 100 }, () => client.accessToken(MONEY)));
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).toMatchObject({ method: 'POST', path: '/api/v1/payments/token', body: '{}' });
    expect(server.requests[0]?.headers).toMatchObject({
      'x-api-key': 'kpay_test_abcdef0123456789',
      'x-secret-key': 'very-secret-9f8e7d6c',
    });
    await client.close();
  });

  it('a lifetime that cannot be read counts as short, and is noticed', async () => {
    onToken = (request) => request.reply(201, { ...TOKEN_ANSWER, expiresIn: 'a while' });
    const { client, drifts } = createTestClient(server.baseUrl);
    await client.accessToken(MONEY);
    expect(drifts).toEqual([{ endpoint: 'token', path: 'expiresIn', kind: 'unknown_value' }]);
    await client.close();
  });

  it('a token of the other environment is refused', async () => {
    onToken = (request) => request.reply(201, { ...TOKEN_ANSWER, environment: 'PRODUCTION' });
    const { client } = createTestClient(server.baseUrl);
    await expect(client.accessToken(MONEY)).rejects.toMatchObject({
      name: 'RejectedError',
      detail: 'the token is for PRODUCTION, and the API key for TEST',
    });
    await client.close();
  });

  /** Moves time on in steps until `work` is done. */
  async function advanceUntil<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
    let done: { value: T } | undefined;
    work.then((value) => {
      done = { value };
    });
    return eventually(async () => {
      await clock.advance(1_000);
      if (!done) throw new Error('not yet');
      return done.value;
    });
  }

  it('a transfer waits for the token before it takes a slot: a budget of one suffices', async () => {
    const clock = createManualClock();
    const budget = createBudget({ store: createMemoryBudgetStore({ clock }), clock, limit: 1, windowMs: 5_000 });
    const { client } = createTestClient(server.baseUrl, { budget, clock, totalTimeoutMs: 3_600_000 });
    const permit = await advanceUntil(clock, client.prepareTransfer(MONEY));
    await permit.release();
    expect(server.requests).toHaveLength(1);
    await client.close();
  });

  it('a token that grew old while a slot was waited for is replaced before the permit', async () => {
    const clock = createManualClock();
    const ample = createBudget({ store: createMemoryBudgetStore({ clock }), clock, limit: 100, windowMs: 60_000 });
    let takes = 0;
    const budget: Budget = {
      ...ample,
      async take(lane, options) {
        takes += 1;
        // The first is for the token, the second for the transfer.
        if (takes === 2) await clock.sleep(60_000);
        return ample.take(lane, options);
      },
    };
    onToken = (request) => request.reply(201, { ...TOKEN_ANSWER, expiresIn: '90s' });
    const { client } = createTestClient(server.baseUrl, { budget, clock, totalTimeoutMs: 3_600_000 });
    const permit = await advanceUntil(clock, client.prepareTransfer(MONEY));
    await permit.release();
    expect(server.requests).toHaveLength(2);
    await client.close();
  });
});
