import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { queuePrefix, TRANSFER_JOB, transferQueueName } from '@kpay/producer';
import { createSimulator, type Simulator, simulatorApiKey, simulatorSecretKey } from '@kpay/simulator';
import {
  createTestDatabase,
  emptyTestRedis,
  eventually,
  rememberSecret,
  type TemporaryFolder,
  type TestDatabase,
  temporaryFolder,
  testServerUrls,
} from '@kpay/testkit';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withDatabase } from './chaos/with-database.ts';
import { type AppProcess, startApp } from './start-app.ts';

const accounts = Array.from({ length: 40 }, (_, index) => `shop-${index}`);
const halves = [accounts.filter((_, index) => index % 2 === 0), accounts.filter((_, index) => index % 2 === 1)];

let simulator: Simulator;
let folder: TemporaryFolder;
let database: TestDatabase;
let settings: Record<string, string>;

const startPart = (part: readonly string[] = []) => startApp('worker', { ...settings, KPAY_WORKER_ACCOUNTS: part.join(',') });

async function addJobs(names: readonly string[]): Promise<void> {
  const connection = new Redis(settings.REDIS_URL ?? '', { maxRetriesPerRequest: null });
  for (const name of names) {
    const queue = new Queue(transferQueueName(name), { connection, prefix: queuePrefix(name) });
    await queue.add(TRANSFER_JOB, { externalId: 'only', sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 1_000 });
    await queue.close();
  }
  connection.disconnect();
}

/** Which processes sent for which accounts: an attempt is named by host and pid. */
async function readSenders(): Promise<Map<string, string>> {
  return withDatabase(database.url, async (client) => {
    const { rows } = await client.query<{ account: string; worker: string }>(
      `select a.account, a.worker from kpay.attempts a join kpay.transfers t on t.id = a.transfer_id where t.state = 'succeeded'`,
    );
    return new Map(rows.map(({ account, worker }) => [account, worker.split('-').at(-2) ?? '']));
  });
}

describe.skipIf(!testServerUrls())('accounts split between workers by KPAY_WORKER_ACCOUNTS', () => {
  let workers: AppProcess[] = [];

  beforeAll(async () => {
    const servers = testServerUrls();
    if (!servers) throw new Error('this suite needs KPAY_TEST_STORES');
    simulator = await createSimulator({ port: 0, limit: 100_000 });
    database = await createTestDatabase(servers.postgresUrl);
    folder = temporaryFolder();
    const file = join(folder.path, 'accounts.json');
    const keys = { apiKey: simulatorApiKey, secretKey: rememberSecret(simulatorSecretKey) };
    writeFileSync(file, JSON.stringify({ accounts: accounts.map((name) => ({ name, ...keys })) }));
    settings = {
      KPAY_BASE_URL: simulator.url,
      KPAY_ACCOUNTS_FILE: file,
      KPAY_RATE_LIMIT_PER_MINUTE: '100000',
      DATABASE_URL: database.url,
      REDIS_URL: await emptyTestRedis(servers.redisUrl),
    };
  });

  afterAll(async () => {
    for (const each of workers) await each.end('SIGKILL');
    await database.drop();
    await simulator.close();
    folder.remove();
  });

  it('move a transfer of each account, each by its own worker, once', async () => {
    workers = await Promise.all(halves.map(startPart));
    await addJobs(accounts);
    const senders = await eventually(
      async () => {
        const seen = await readSenders();
        expect(seen.size).toBe(accounts.length);
        return seen;
      },
      { timeoutMs: 60_000 },
    );
    for (const [index, half] of halves.entries()) {
      for (const account of half) expect(senders.get(account)).toBe(String(workers[index]?.pid));
    }
    expect(simulator.control.truth().transfers).toHaveLength(accounts.length);
  }, 120_000);

  it('end within ten seconds of SIGTERM, however many accounts they serve', async () => {
    const askedMs = performance.now();
    const codes = await Promise.all(workers.splice(0).map((worker) => worker.end('SIGTERM')));
    expect(codes).toEqual([0, 0]);
    expect(performance.now() - askedMs).toBeLessThan(10_000);
  }, 60_000);

  it('are ready while KPay hangs: with twenty accounts as soon as with one', async () => {
    simulator.control.addFault({ match: { endpoint: 'me' }, fault: { kind: 'hang' } });
    const askedMs = performance.now();
    workers = [await startPart(halves[0])];
    // One after the other they would wait 3 s each.
    expect(performance.now() - askedMs).toBeLessThan(30_000);
  }, 60_000);
});
