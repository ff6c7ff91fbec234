import { createLogger, openRedis } from '@kpay/runtime';
import { eventually, keepLog, startRedis } from '@kpay/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type RunningApi, startApi } from './running-api.ts';
import { openTestLedger, type TestLedger } from './test-ledger.ts';

async function makeKey(api: RunningApi, requestsPerMinute: number): Promise<string> {
  const body = { name: 'till', owner: 'till', scopes: ['read'], requestsPerMinute };
  return String((await api.ask('/v1/api-keys', { body })).body.key);
}
const statuses = async (asked: Promise<{ status: number }>[]) => (await Promise.all(asked)).map(({ status }) => status).sort();

// One ledger for all tests, because opening it takes the longest.
let opened: TestLedger;
let ledger: TestLedger;
beforeAll(async () => {
  opened = await openTestLedger();
  ledger = { ...opened, stop: async () => {}, remove: () => {} };
}, 60_000);
afterAll(async () => {
  await opened.stop();
  opened.remove();
});

describe('a process by itself', () => {
  let api: RunningApi;
  beforeAll(async () => {
    api = await startApi(ledger);
  });
  afterAll(() => api.close());

  it('tells each key how many requests it has left, and after the last when to retry', async () => {
    const [token, other] = [await makeKey(api, 3), await makeKey(api, 3)];
    for (const left of [2, 1, 0]) {
      const { status, headers } = await api.ask('/v1/accounts', { token });
      expect(status).toBe(200);
      expect(headers.get('ratelimit')).toMatch(new RegExp(`^"requests"; r=${left}; t=\\d+$`));
      expect(headers.get('ratelimit-policy')).toMatch(/^"requests"; q=3; w=60/);
    }
    const refused = await api.ask('/v1/accounts', { token });
    expect([refused.status, refused.body.code, refused.body.safeToRetry]).toEqual([429, 'too_many_requests', true]);
    expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await api.ask('/v1/accounts', { token: other })).status).toBe(200);
    expect((await api.ask('/v1/accounts')).status).toBe(200);
  });

  it('counts nobody who is not known, so that nobody can use up what is another one’s', async () => {
    const answer = await api.ask('/v1/accounts', { token: 'wrong' });
    expect([answer.status, answer.headers.get('ratelimit')]).toEqual([401, null]);
  });
});

const server = await startRedis();

describe.skipIf('unavailable' in server)(`on Redis${'unavailable' in server ? ` (${server.unavailable})` : ''}`, () => {
  if ('unavailable' in server) return;
  let redis: Awaited<ReturnType<typeof openRedis>>;
  let apis: [RunningApi, RunningApi];
  beforeAll(async () => {
    redis = await openRedis({
      url: server.url,
      role: 'producer',
      logger: createLogger({ name: 'test', destination: keepLog('redis') }),
    });
    apis = [await startApi(ledger, [], { redis }), await startApi(ledger, [], { redis })];
  });
  afterEach(() => server.resume());
  afterAll(async () => {
    for (const api of apis) await api.close();
    redis.disconnect();
    await server.stop();
  });

  it('processes count together', async () => {
    const token = await makeKey(apis[0], 10);
    const asked = Array.from({ length: 20 }, (_, n) => apis[n % 2 === 0 ? 0 : 1].ask('/v1/accounts', { token }));
    expect(await statuses(asked)).toEqual([...Array<number>(10).fill(200), ...Array<number>(10).fill(429)]);
  });

  it('go on counting when Redis has forgotten everything, the script included', async () => {
    const token = await makeKey(apis[0], 2);
    await redis.flushall();
    await redis.script('FLUSH');
    // On a machine that is busy for long, one request may pass uncounted.
    await eventually(async () => expect((await apis[0].ask('/v1/accounts', { token })).status).toBe(429));
  });

  it('let requests pass uncounted while Redis is frozen; only the first one waits', async () => {
    const token = await makeKey(apis[0], 2);
    await apis[0].ask('/v1/accounts', { token });
    await server.pause();
    await apis[0].ask('/v1/accounts', { token });
    const startedMs = performance.now();
    for (let n = 0; n < 10; n += 1) expect((await apis[0].ask('/v1/accounts', { token })).status).toBe(200);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(apis[0].logged().match(/requests cannot be counted/g)).toHaveLength(1);
    await server.resume();
    await eventually(async () => expect((await apis[0].ask('/v1/accounts', { token })).status).toBe(429));
  });
});
