import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createProducer, type Producer, queuePrefix, TRANSFER_JOB, transferQueueName } from '@kpay/producer';
import { createLogger, openQueues } from '@kpay/runtime';
import { createSimulator, type Simulator, simulatorApiKey, simulatorSecretKey } from '@kpay/simulator';
import {
  createTestDatabase,
  eventually,
  keepLog,
  rememberSecret,
  startRedisCluster,
  type TemporaryFolder,
  type TestDatabase,
  temporaryFolder,
  testServerUrls,
} from '@kpay/testkit';
import { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postTransfer } from './ask-api.ts';
import { withDatabase } from './chaos/with-database.ts';
import { type AppProcess, startApp } from './start-app.ts';
import { adminToken, runKpay } from './start-kpay.ts';

const servers = testServerUrls();
const cluster = servers ? await startRedisCluster() : { unavailable: 'it needs KPAY_TEST_STORES' };
const accounts = Array.from({ length: 12 }, (_, index) => `shop-${index}`);
const order = (externalId: string) => ({ externalId, sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 1_000 });

let simulator: Simulator;
let folder: TemporaryFolder;
let database: TestDatabase;
let settings: Record<string, string>;
let apps: AppProcess[] = [];
let api: AppProcess;
const producers = new Map<string, Producer>();

describe.skipIf('unavailable' in cluster)('on a Redis Cluster of three masters with a replica each', () => {
  if ('unavailable' in cluster) return;

  beforeAll(async () => {
    simulator = await createSimulator({ port: 0, limit: 100_000 });
    database = await createTestDatabase(servers?.postgresUrl ?? '');
    folder = temporaryFolder();
    const file = join(folder.path, 'accounts.json');
    const keys = { apiKey: simulatorApiKey, secretKey: rememberSecret(simulatorSecretKey) };
    writeFileSync(file, JSON.stringify({ accounts: accounts.map((name) => ({ name, ...keys })) }));
    settings = {
      KPAY_BASE_URL: simulator.url,
      KPAY_ACCOUNTS_FILE: file,
      KPAY_RATE_LIMIT_PER_MINUTE: '100000',
      DATABASE_URL: database.url,
      REDIS_URL: cluster.url,
    };
    api = await startApp('admin-api', settings);
    apps = [api, await startApp('worker', settings), await startApp('worker', settings), await startApp('exporter', settings)];
    for (const account of accounts) producers.set(account, createProducer({ account, connection: cluster.url }));
    // An existing client works as well: it is duplicated.
    const own = new Cluster([{ port: cluster.pairs[0]?.master.port }], {
      lazyConnect: true,
      redisOptions: { password: cluster.password },
    });
    await producers.get('shop-0')?.close();
    producers.set('shop-0', createProducer({ account: 'shop-0', connection: own }));
  }, 120_000);

  afterAll(async () => {
    await Promise.all([...producers.values()].map((producer) => producer.close()));
    for (const app of apps) expect(await app.end('SIGTERM')).toBe(0);
    await database.drop();
    await simulator.close();
    await cluster.stop();
    folder.remove();
  }, 60_000);

  /** The caller's part: when Redis is away, or it waited in vain, it repeats the request with the same externalId. */
  async function moveByJob(account: string, externalId: string): Promise<void> {
    await eventually(
      async () => {
        const transfer = await producers.get(account)?.enqueue(order(externalId));
        expect(await transfer?.finished({ timeoutMs: 10_000 })).toMatchObject({ state: 'succeeded' });
      },
      { timeoutMs: 90_000, everyMs: 200 },
    );
  }

  async function moveByApi(account: string, externalId: string): Promise<void> {
    await eventually(() => postTransfer(api.url, { ...order(externalId), account }), { timeoutMs: 60_000, everyMs: 200 });
  }

  async function move(name: string): Promise<void> {
    await Promise.all(
      accounts.flatMap((account) => [moveByJob(account, `${name}-by-job`), moveByApi(account, `${name}-by-api`)]),
    );
  }

  /** Each transfer so far has succeeded, and KPay moved its money once. */
  async function expectOneEffectEach(count: number): Promise<void> {
    await eventually(
      async () => {
        const { rows } = await withDatabase(database.url, (client) =>
          client.query('select state, count(*)::int as count from kpay.transfers group by state'),
        );
        expect(rows).toEqual([{ state: 'succeeded', count }]);
      },
      { timeoutMs: 90_000, everyMs: 200 },
    );
    const moved = simulator.control.truth().transfers.map(({ externalId }) => externalId);
    expect(moved).toHaveLength(count);
    expect(new Set(moved).size).toBe(count);
  }

  it('the accounts lie on all masters, and move what the API and jobs ask for', async () => {
    await move('first');
    await expectOneEffectEach(2 * accounts.length);
    const queuesOf = await Promise.all(
      cluster.pairs.map(async ({ master }) => {
        const redis = new Redis(master.url, { password: cluster.password });
        return (await redis.keys('{kpay-shop-*:meta').finally(() => redis.disconnect())).length;
      }),
    );
    expect(queuesOf.every((count) => count > 0)).toBe(true);
    // The transfer queue and the advance queue of each account.
    expect(queuesOf.reduce((sum, count) => sum + count, 0)).toBe(2 * accounts.length);
  }, 120_000);

  it("count an API key's requests whichever master its counter is on", async () => {
    const answer = await fetch(`${api.url}/v1/accounts`, { headers: { authorization: `Bearer ${adminToken}` } });
    expect(answer.headers.get('ratelimit')).toMatch(/r=\d+/);
    expect(api.stderr()).not.toContain('requests cannot be counted');
  });

  it('queues without an account are found on every master', async () => {
    const logger = createLogger({ name: 'cluster', destination: keepLog('cluster') });
    const queues = await openQueues({ store: { kind: 'redis', redisUrl: cluster.url }, logger });
    const strangers = Array.from({ length: 8 }, (_, index) => `stranger-${index}`);
    for (const name of strangers) {
      await queues.queue(transferQueueName(name), { prefix: queuePrefix(name) }).add(TRANSFER_JOB, order('nobody'));
    }
    const found = await queues.findQueues({ prefix: '{kpay-stranger', name: transferQueueName('') });
    expect(found.map(({ name }) => name).sort()).toEqual(strangers.map(transferQueueName));
    for (const name of strangers) {
      await queues.queue(transferQueueName(name), { prefix: queuePrefix(name) }).obliterate({ force: true });
    }
    await queues.close();
  });

  it('doctor and rebuild-queue work on it', async () => {
    const doctor = runKpay(['doctor'], settings);
    await doctor.ended;
    for (const good of [
      /^ +good +redis +Redis Cluster of 3 masters, /m,
      /^ +good +clock of redis /m,
      /^ +good +queues /m,
      /^ +good +budget of /m,
    ]) {
      expect(doctor.stdout()).toMatch(good);
    }
    const rebuild = runKpay(['rebuild-queue'], settings);
    expect(await rebuild.ended).toMatchObject({ code: 0 });
  }, 60_000);

  it('a slot moves to another master under load: nothing is lost or doubled', async () => {
    const [account = ''] = accounts;
    const moves = Array.from({ length: 20 }, (_, index) => moveByJob(account, `on-the-move-${index}`));
    await cluster.moveSlotOf(queuePrefix(account));
    await Promise.all(moves);
    await move('moved');
    await expectOneEffectEach(2 * accounts.length * 2 + moves.length);
  }, 120_000);

  it('a master dies under load, its replica takes over: nothing is lost or doubled', async () => {
    const moves: Promise<void>[] = [];
    for (let round = 0; round < 3; round += 1) moves.push(move(`before-${round}`));
    const [pair] = cluster.pairs;
    if (!pair) throw new Error('the cluster has no masters');
    await pair.master.kill();
    moves.push(move('while it is gone'));
    await cluster.tookOver(pair.replica);
    await Promise.all(moves);
    await move('after');
    await expectOneEffectEach(2 * accounts.length * 7 + 20);
    for (const app of apps.slice(0, 3)) {
      await eventually(async () => expect((await fetch(`${app.url}/readyz`)).status).toBe(200), { timeoutMs: 30_000 });
    }
  }, 240_000);
});
