import { expect, it } from 'vitest';
import { openSimulator } from '../../test/client.ts';
import { RateLimit, SlidingWindow } from './rate-limit.ts';

it('a window holds the receipts of (now − window, now], however many came before', () => {
  const window = new SlidingWindow();
  for (let at = 0; at < 10_000; at += 1) {
    window.add(at);
    expect(window.count(at, 100)).toBe(Math.min(at + 1, 100));
  }
  expect(window.count(10_098, 100)).toBe(1);
  expect(window.count(10_099, 100)).toBe(0);
});

it('the limit slides: a place is free again exactly one window after it was taken', () => {
  const limit = new RateLimit();
  const admit = (at: number) => limit.admit('key', at, 2, 1000);
  expect([admit(0), admit(600), admit(700)]).toEqual([undefined, undefined, 300]);
  expect([admit(999), admit(1000), admit(1001)]).toEqual([1, undefined, 599]);
});

it('a refused request takes no place, so a client that keeps asking recovers', () => {
  const limit = new RateLimit();
  limit.admit('key', 0, 1, 1000);
  for (let at = 1; at < 1000; at += 1) expect(limit.admit('key', at, 1, 1000)).toBe(1000 - at);
  expect(limit.admit('key', 1000, 1, 1000)).toBeUndefined();
});

it('every /api request counts for its key, whatever its answer; the next gets 429', async () => {
  let now = 1_800_000_000_000;
  const { client, control } = await openSimulator({ limit: 5, now: () => now });
  const secretWrong = { 'x-api-key': 'kpay_test_simulator', 'x-secret-key': 'wrong' };
  const token = await client.token();
  const statuses = [
    (await client.get('/api/v1/payments/me')).status,
    (await client.get('/api/nowhere')).status,
    (await client.get('/api/v1/payments/me', secretWrong)).status,
    (await client.transfer({ amount: 1 }, token)).status,
  ];
  expect(statuses).toEqual([200, 404, 401, 400]);

  now += 59_000;
  const refused = await client.get('/api/v1/payments/me');
  expect(refused.body).toEqual({ statusCode: 429, message: 'Rate limit exceeded', error: 'Too Many Requests' });
  expect(refused.headers.get('retry-after')).toBe('1');
  expect((await client.transfer({}, token)).status).toBe(429);

  control.setLimit({ retryAfter: false });
  expect((await client.get('/api/v1/payments/me')).headers.get('retry-after')).toBeNull();
  now += 1000;
  expect((await client.transfer({}, token)).status).toBe(201);

  const { transferCount, requestCounts } = control.truth();
  expect(transferCount).toBe(1);
  expect(requestCounts).toMatchObject({ total: 9, refusedByLimit: 3, byStatus: { 429: 3, 201: 2 } });
  expect(Object.values(requestCounts.mostInWindow)).toEqual([8]);
});

it('keys are counted apart, with a limit of their own where one was given', async () => {
  const other = { 'x-api-key': 'kpay_test_other', 'x-secret-key': 's' };
  const { client } = await openSimulator({ limit: 1, applications: [{ apiKey: 'kpay_test_other', secretKey: 's', limit: 2 }] });
  const ask = async (headers?: Record<string, string>) => (await client.get('/api/v1/payments/me', headers)).status;
  expect([await ask(), await ask(), await ask(other), await ask(other), await ask(other)]).toEqual([200, 429, 200, 200, 429]);
});

it('a time scale of 20 makes a window of 60 s one of 3 s', async () => {
  let now = 1_800_000_000_000;
  const { client } = await openSimulator({ limit: 1, timeScale: 20, now: () => now });
  const ask = async () => (await client.get('/api/v1/payments/me')).status;
  expect([await ask(), await ask()]).toEqual([200, 429]);
  now += 2999;
  expect(await ask()).toBe(429);
  now += 1;
  expect(await ask()).toBe(200);
});
