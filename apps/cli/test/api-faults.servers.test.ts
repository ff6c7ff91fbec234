import { setTimeout as delay } from 'node:timers/promises';
import { createSimulator, type Simulator } from '@kpay/simulator';
import {
  createTcpProxy,
  eventually,
  type OwnServer,
  startPostgres,
  startRedis,
  type TcpProxy,
  type Unavailable,
} from '@kpay/testkit';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getTransfer } from './ask-api.ts';
import { type AppProcess, startApp } from './start-app.ts';
import { adminToken, settingsFor } from './start-kpay.ts';

const EVERY_MS = 20;
const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
const withServers = (process.env.KPAY_TEST_STORES ?? 'embedded') !== 'embedded';

interface Answer {
  status: number;
  ms: number;
  headers: Headers;
  body: { id?: string; code?: string; safeToRetry?: boolean; moneyMoved?: string };
}

function needed(server: OwnServer | Unavailable): OwnServer {
  if ('unavailable' in server) throw new Error(server.unavailable);
  return server;
}

/** The share of requests that is not slower. */
function quantileMs(answers: readonly Answer[], share: number): number {
  const sorted = answers.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

describe.skipIf(!withServers)('the admin API of production, while something that it needs is away', () => {
  let postgres: OwnServer;
  let redis: OwnServer;
  let simulator: Simulator;
  let kpay: TcpProxy;
  let api: AppProcess;
  let worker: AppProcess;
  let made = 0;

  beforeAll(async () => {
    postgres = needed(await startPostgres());
    redis = needed(await startRedis(['--appendonly', 'yes']));
    simulator = await createSimulator({ port: 0, limit: 100_000 });
    kpay = await createTcpProxy({ target: { host: '127.0.0.1', port: Number(new URL(simulator.url).port) } });
    const { KPAY_DATA_DIR: _, ...keys } = settingsFor(simulator, '');
    const settings = {
      ...keys,
      KPAY_BASE_URL: `http://127.0.0.1:${kpay.port}`,
      KPAY_RATE_LIMIT_PER_MINUTE: '100000',
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
    };
    [api, worker] = await Promise.all([startApp('admin-api', settings), startApp('worker', settings)]);
    // Warms up.
    await expectStarted(await post(20));
  }, 60_000);

  afterAll(async () => {
    await redis.resume();
    kpay.resume();
    for (const app of [api, worker]) await app.end('SIGTERM');
    await kpay.close();
    await simulator.close();
    await redis.stop();
    await postgres.stop();
  }, 60_000);

  async function ask(path: string, body?: object): Promise<Answer> {
    const startedMs = performance.now();
    const answer = await fetch(api.url + path, { headers, ...(body && { method: 'POST', body: JSON.stringify(body) }) });
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.includes('json') ?? false;
    return {
      status: answer.status,
      ms: performance.now() - startedMs,
      headers: answer.headers,
      body: isJson ? JSON.parse(text) : {},
    };
  }

  const order = (externalId: string) => ({ externalId, sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 100 });

  /** Sends requests at a fixed pace, whether earlier ones are answered or not. */
  async function post(count: number): Promise<Answer[]> {
    const asked: Promise<Answer>[] = [];
    for (let n = 0; n < count; n += 1) {
      made += 1;
      asked.push(ask('/v1/transfers', order(`order-${made}`)));
      await delay(EVERY_MS);
    }
    return Promise.all(asked);
  }

  async function expectStarted(answers: readonly Answer[]): Promise<void> {
    for (const { body } of answers) {
      await eventually(async () => expect((await getTransfer(api.url, body.id ?? '')).state).toBe('succeeded'), {
        timeoutMs: 60_000,
        everyMs: 200,
      });
    }
  }

  async function expectAcceptingGoesOn(): Promise<Answer[]> {
    const answers = await post(200);
    expect(answers.map(({ status }) => status)).toEqual(Array<number>(200).fill(202));
    process.stdout.write(
      `accepted: median ${quantileMs(answers, 0.5).toFixed(0)} ms, p99 ${quantileMs(answers, 0.99).toFixed(0)} ms\n`,
    );
    expect(quantileMs(answers, 0.99)).toBeLessThan(500);
    for (const path of ['/v1/transfers?limit=5', `/v1/transfers/${answers[0]?.body.id}`, '/v1/pauses', '/v1/accounts']) {
      const { status, ms } = await ask(path);
      expect([path, status]).toEqual([path, 200]);
      expect(ms).toBeLessThan(500);
    }
    return answers;
  }

  it('Redis frozen: reading and accepting go on; accepted ones start when it is back', {
    timeout: 120_000,
  }, async () => {
    await redis.pause();
    const answers = await expectAcceptingGoesOn();
    await redis.resume();
    await expectStarted(answers);
  });

  it('Redis stopped: the same', { timeout: 120_000 }, async () => {
    await redis.kill();
    const answers = await expectAcceptingGoesOn();
    await redis.restart();
    await expectStarted(answers);
  });

  it('KPay hung: accepting and reading are as fast as before', { timeout: 120_000 }, async () => {
    // In turn, so that a slow machine affects both.
    const before: Answer[] = [];
    const during: Answer[] = [];
    for (let round = 0; round < 4; round += 1) {
      kpay.resume();
      before.push(...(await post(50)));
      kpay.pause();
      during.push(...(await post(50)));
    }
    expect(during.map(({ status }) => status)).toEqual(Array<number>(200).fill(202));
    const [medianBefore, median] = [quantileMs(before, 0.5), quantileMs(during, 0.5)];
    process.stdout.write(`accepted: median ${medianBefore.toFixed(0)} ms before, ${median.toFixed(0)} ms while KPay hangs\n`);
    expect(median).toBeLessThan(1.5 * medianBefore + 5);
    expect((await ask('/v1/transfers?limit=5')).status).toBe(200);
    kpay.resume();
  });

  it('Postgres stopped midway: 503 and when to retry, /readyz fails, none half done', {
    timeout: 120_000,
  }, async () => {
    const key = await ask('/v1/api-keys', { name: 'till', owner: 'till', scopes: ['read'] });
    expect(key.status).toBe(201);
    const first = made;
    const underWay = post(100);
    await delay(20 * EVERY_MS);
    await postgres.kill();
    const answers = await underWay;
    const accepted = answers.filter(({ status }) => status === 202);
    const refused = answers.filter(({ status }) => status !== 202);
    expect(accepted.length).toBeGreaterThan(0);
    expect(refused.length).toBeGreaterThan(20);
    for (const { status, body, headers: told } of refused) {
      expect([status, body.code, body.safeToRetry, body.moneyMoved]).toEqual([503, 'ledger_unavailable', true, 'unknown']);
      expect(Number(told.get('retry-after'))).toBeGreaterThan(0);
    }
    expect((await ask('/readyz')).status).toBe(503);
    expect((await ask('/healthz')).status).toBe(200);
    expect((await ask('/v1/transfers')).body).toMatchObject({ code: 'ledger_unavailable', moneyMoved: 'no' });

    await postgres.restart();
    await eventually(async () => expect((await ask('/readyz')).status).toBe(200), { timeoutMs: 20_000 });
    // A client that repeats the refused requests gets one transfer for each.
    const ids = new Set<string>();
    for (let n = first + 1; n <= made; n += 1) {
      const again = await ask('/v1/transfers', order(`order-${n}`));
      expect(again.status).toBe(202);
      ids.add(again.body.id ?? '');
    }
    expect(ids.size).toBe(made - first);
    for (const { body } of accepted) expect(ids).toContain(body.id);
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    const { rows } = await client.query(
      `select count(*)::int as transfers, count(*) filter (where accepted = 1)::int as whole from (
         select (select count(*) from kpay.transfer_events e where e.transfer_id = t.id and e.type = 'accepted') as accepted
         from kpay.transfers t) as counted`,
    );
    await client.end();
    expect(rows).toEqual([{ transfers: made, whole: made }]);
  });
});
