import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RawServer, startRawServer, TOKEN_ANSWER } from '../../test/raw-server.ts';
import { API_KEY, RECEIPT, SECRET_KEY, TRANSFER } from '../../test/test-client.ts';
import { Kpay, type KpayOptions } from '../kpay.ts';
import { systemClock } from '../time/clock.ts';

let server: RawServer;
let kpay: Kpay;
/** The status of each answer in turn, the last one for ever; 0 breaks the connection. */
let answers: number[];
let headers: Record<string, string>;
let waits: number[];
let elapsedMs: number;

const RATE = { from: 'XAF', to: 'XOF', rate: 1.0153 };

beforeEach(async () => {
  headers = {};
  waits = [];
  elapsedMs = 0;
  server = await startRawServer(({ path, reply, socket }) => {
    if (path.endsWith('/token')) return reply(201, TOKEN_ANSWER);
    const status = (answers.length > 1 ? answers.shift() : answers[0]) ?? 200;
    if (status === 0) return void socket.resetAndDestroy();
    if (status < 300) return reply(status, path.endsWith('/transfer') ? RECEIPT : RATE);
    reply(status, { statusCode: status, message: 'no', error: 'No' }, headers);
  });
});
afterEach(async () => {
  await kpay.close();
  await server.close();
});

function open(options: Partial<KpayOptions> = {}): Kpay {
  const clock = {
    ...systemClock,
    monotonicMs: () => elapsedMs,
    sleep: async (ms: number, signal?: AbortSignal) => {
      signal?.throwIfAborted();
      waits.push(ms);
      elapsedMs += ms;
    },
  };
  kpay = new Kpay({
    apiKey: API_KEY,
    secretKey: SECRET_KEY,
    baseUrl: server.baseUrl,
    clock,
    rateLimitPerMinute: 1_000,
    ...options,
  });
  return kpay;
}

const tries = () => server.requests.filter(({ path }) => path.includes('/exchange-rate')).length;

describe('a read', () => {
  it.each([0, 500, 502, 503, 301])('that ends with %i is asked again, twice, after waits with jitter', async (status) => {
    answers = [status, status, 200];
    expect(await open().exchangeRate('XAF', 'XOF')).toMatchObject({ rate: '1.0153' });
    expect(tries()).toBe(3);
    const [first = 0, second = 0] = waits;
    expect([waits.length, first >= 250 && first <= 500, second >= 500 && second <= 1_000]).toEqual([2, true, true]);
  });

  it('that fails three times tells the last failure', async () => {
    answers = [500, 502, 503];
    await expect(open().exchangeRate('XAF', 'XOF')).rejects.toMatchObject({ code: 'server_error', status: 503 });
    expect(tries()).toBe(3);
  });

  it.each([400, 401, 404, 422])('that KPay refuses with %i is not asked again', async (status) => {
    answers = [status, 200];
    await expect(open().exchangeRate('XAF', 'XOF')).rejects.toMatchObject({ name: 'RejectedError', status });
    expect(tries()).toBe(1);
  });

  it('waits as long as Retry-After says', async () => {
    answers = [503, 200];
    headers = { 'retry-after': '7' };
    await open().exchangeRate('XAF', 'XOF');
    expect(waits).toEqual([7_000]);
  });

  it('does not wait when Retry-After passes maxWaitMs', async () => {
    answers = [503, 200];
    headers = { 'retry-after': '7' };
    const asking = open().exchangeRate('XAF', 'XOF', { maxWaitMs: 6_999 });
    await expect(asking).rejects.toMatchObject({ code: 'server_error', retryAfterMs: 7_000 });
    expect([tries(), waits]).toEqual([1, []]);
  });

  it('is not asked again once the signal aborts', async () => {
    answers = [500];
    const caller = new AbortController();
    const clock = { ...systemClock, sleep: async () => caller.abort(new Error('enough')) };
    const asking = open({ clock }).exchangeRate('XAF', 'XOF', { signal: caller.signal });
    await expect(asking).rejects.toMatchObject({ name: 'AbortError', cause: { message: 'enough' } });
    expect(tries()).toBe(1);
  });

  it('is asked as often as maxRetries says, each try with its number', async () => {
    answers = [500];
    const attempts: number[] = [];
    const asking = open({ maxRetries: 4, onRequest: ({ attempt }) => attempts.push(attempt) }).exchangeRate('XAF', 'XOF');
    await expect(asking).rejects.toMatchObject({ code: 'server_error' });
    expect(attempts).toEqual([1, 2, 3, 4, 5]);
  });

  it('of maxRetries 0 is asked once', async () => {
    answers = [500, 200];
    await expect(open({ maxRetries: 0 }).exchangeRate('XAF', 'XOF')).rejects.toMatchObject({ code: 'server_error' });
    expect(tries()).toBe(1);
  });
});

it.each([0, 429, 500])('a transfer that ends with %i is not sent again by itself', async (status) => {
  answers = [status, 201];
  await expect(open().transfer(TRANSFER)).rejects.toThrow();
  expect(server.requests.filter(({ path }) => path.endsWith('/transfer'))).toHaveLength(1);
});

it.each([Number.NaN, -1, 11, '2'])('maxRetries of %s is refused by name', async (maxRetries) => {
  answers = [200];
  open();
  expect(() => new Kpay({ apiKey: API_KEY, secretKey: SECRET_KEY, maxRetries: maxRetries as number })).toThrow(
    /^maxRetries must be/,
  );
});
