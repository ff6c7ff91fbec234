import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger, openPostgres } from '@kpay/runtime';
import { createSimulator, type Simulator, simulatorApiKey, simulatorApplicationId, simulatorSecretKey } from '@kpay/simulator';
import { createTestDatabase, emptyTestRedis, eventually, startPostgres, temporaryFolder, testServerUrls } from '@kpay/testkit';
import { type LedgerSchema, migrateLedger } from '@kpay/transfers';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { getJson, getTransfer, postTransfer } from './ask-api.ts';
import { withDatabase } from './chaos/with-database.ts';
import { type AppName, type AppProcess, startApp } from './start-app.ts';

const STOPPED_WITHIN_MS = 10_000;
const order = (externalId: string) => ({ externalId, sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 100_000 });

interface Stage {
  simulator: Simulator;
  databaseUrl: string;
  start(app: AppName): Promise<AppProcess>;
  /** Writes the files that hold the keys. */
  writeKeys(apiKey: string, secretKey: string): void;
}

/** A simulator, stores, and keys in files. */
async function openStage(ownPostgresUrl?: string): Promise<Stage> {
  const servers = testServerUrls();
  if (!servers) throw new Error('this suite needs KPAY_TEST_STORES');
  const simulator = await createSimulator({ port: 0 });
  onTestFinished(() => simulator.close());
  const database = ownPostgresUrl === undefined ? await createTestDatabase(servers.postgresUrl) : { url: ownPostgresUrl };
  if ('drop' in database) onTestFinished(database.drop);
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const [api, secret] = [join(folder.path, 'api'), join(folder.path, 'secret')];
  const writeKeys = (apiKey: string, secretKey: string) => {
    writeFileSync(api, `${apiKey}\n`);
    writeFileSync(secret, `${secretKey}\n`);
  };
  writeKeys(simulatorApiKey, simulatorSecretKey);
  const settings = {
    KPAY_BASE_URL: simulator.url,
    KPAY_API_KEY_FILE: api,
    KPAY_SECRET_KEY_FILE: secret,
    KPAY_OBSERVE_BALANCE_SECONDS: '1',
    DATABASE_URL: database.url,
    REDIS_URL: await emptyTestRedis(servers.redisUrl),
  };
  return {
    simulator,
    writeKeys,
    databaseUrl: database.url,
    async start(app) {
      const running = await startApp(app, settings);
      onTestFinished(async () => void (await running.end('SIGKILL')));
      return running;
    },
  };
}

async function stop(app: AppProcess): Promise<void> {
  const startedMs = performance.now();
  expect(await app.end('SIGTERM')).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(STOPPED_WITHIN_MS);
}

describe.skipIf(!testServerUrls())('production processes', { timeout: 90_000 }, () => {
  it('end within 10 s with code 0 while KPay answers nothing at all', async () => {
    const { simulator, start } = await openStage();
    const apps = await Promise.all([start('worker'), start('admin-api'), start('exporter')]);
    const [, api] = apps;
    simulator.control.addFault({ match: { endpoint: 'transfer' }, fault: { kind: 'hang', when: 'after' } });
    for (let each = 0; each < 3; each += 1) await postTransfer(api.url, order(`hung-${each}`));
    await eventually(() => expect(simulator.control.listFaults()[0]?.fired).toBe(3), { timeoutMs: 10_000 });
    for (const endpoint of ['balance', 'availability', 'me'] as const)
      simulator.control.addFault({ match: { endpoint }, fault: { kind: 'hang', when: 'before' } });
    const underWay = await getJson<{ items: unknown[] }>(`${api.url}/v1/transfers?state=submitting`);
    expect(underWay.items).toHaveLength(3);
    await Promise.all(apps.map(stop));
  });

  describe('that are stopped with an answer of KPay in their hands while Postgres is away', () => {
    const ANSWERED = 'ended while Postgres was away';

    /** A refusal that burns the id. If it were lost, two conflicts would later confirm the transfer. */
    async function stopWithAnswer() {
      const postgres = await startPostgres();
      if ('unavailable' in postgres) throw new Error(postgres.unavailable);
      onTestFinished(postgres.stop);
      const { simulator, start } = await openStage(postgres.url);
      const [worker, api] = await Promise.all([start('worker'), start('admin-api')]);
      simulator.control.addFault({
        match: { endpoint: 'transfer' },
        times: 1,
        fault: { kind: 'status', status: 403, when: 'before', delayMs: 2_000 },
      });
      const { id } = await postTransfer(api.url, order(ANSWERED));
      await eventually(() => expect(simulator.control.listFaults()[0]?.fired).toBe(1), { timeoutMs: 10_000 });
      await postgres.kill();
      const answered = () =>
        simulator.control.truth().requests.filter(({ endpoint, ending }) => endpoint === 'transfer' && ending !== 'open');
      await eventually(() => expect(answered()).toHaveLength(1), { timeoutMs: 10_000 });
      return { postgres, worker, api, id, startedMs: performance.now(), ended: worker.end('SIGTERM') };
    }

    it('write it down when Postgres comes back in time', async () => {
      const { postgres, api, id, ended } = await stopWithAnswer();
      await postgres.restart();
      expect(await ended).toBe(0);
      await eventually(async () => expect(await getTransfer(api.url, id)).toMatchObject({ state: 'failed', moneyMoved: 'no' }), {
        timeoutMs: 30_000,
      });
    });

    it('say which transfer it was when it does not, and end in time', async () => {
      const { worker, id, startedMs, ended } = await stopWithAnswer();
      expect(await ended).toBe(0);
      expect(performance.now() - startedMs).toBeLessThan(STOPPED_WITHIN_MS);
      const told = worker
        .stderr()
        .split('\n')
        .filter((line) => line.includes('"alarm":"answer_unstored"'));
      expect(told).toHaveLength(1);
      expect(JSON.parse(told[0] ?? '')).toMatchObject({ account: 'default', transferId: id, attempt: 1, answer: 'refused' });
    });
  });

  it("take new keys from files without a restart, and refuse another application's", async () => {
    const { simulator, start, writeKeys } = await openStage();
    const apps = await Promise.all([start('worker'), start('admin-api'), start('exporter')]);
    const [, api] = apps;
    const all = (text: string) =>
      eventually(
        () => {
          for (const app of apps) expect(app.stderr()).toContain(text);
        },
        { timeoutMs: 20_000 },
      );
    const succeeds = async (externalId: string) => {
      const { id } = await postTransfer(api.url, order(externalId));
      await eventually(async () => expect((await getTransfer(api.url, id)).state).toBe('succeeded'), { timeoutMs: 30_000 });
    };
    await succeeds('with-the-first-keys');

    simulator.control.addApplication({ apiKey: 'kpay_test_stranger', secretKey: 'stranger-secret' });
    writeKeys('kpay_test_stranger', 'stranger-secret');
    await all('new keys are refused');
    await succeeds('with-the-first-keys-still');

    simulator.control.rotateKeys({
      applicationId: simulatorApplicationId,
      apiKey: 'kpay_test_second',
      secretKey: 'second-secret',
    });
    writeKeys('kpay_test_second', 'second-secret');
    await all('new keys are in use');
    await succeeds('with-the-second-keys');

    expect(simulator.control.truth().transferCount).toBe(3);
    for (const app of apps) expect(app.stderr()).not.toMatch(/second-secret|stranger-secret|simulator-secret/);
    await Promise.all(apps.map(stop));
  });

  it('bring an empty ledger up to date once, however many start at the same time', async () => {
    const { databaseUrl } = await openStage();
    const logger = createLogger({ name: 'test', level: 'silent' });
    const databases = await Promise.all(Array.from({ length: 6 }, () => openPostgres({ url: databaseUrl, logger })));
    await Promise.all(databases.map((database) => migrateLedger(database.kysely<LedgerSchema>())));
    const [database] = databases;
    const done = await database?.pool.query(
      'select count(*)::int as count, count(distinct name)::int as names from kpay.kysely_migration',
    );
    expect(done?.rows[0]?.count).toBeGreaterThan(0);
    expect(done?.rows[0]?.count).toBe(done?.rows[0]?.names);
    await Promise.all(databases.map((each) => each.close()));
  });

  it('wait for a process that migrates, longer than any other statement may take', { timeout: 180_000 }, async () => {
    const { databaseUrl, start } = await openStage();
    const migrating = new pg.Client({ connectionString: databaseUrl });
    await migrating.connect();
    onTestFinished(() => migrating.end());
    await migrating.query('begin; create schema kpay');
    const starting = Promise.all([start('worker'), start('admin-api')]);
    // Told below.
    starting.catch(() => {});
    await eventually(
      async () => {
        const { rowCount } = await withDatabase(databaseUrl, (client) =>
          client.query(
            `select from pg_stat_activity
              where datname = current_database() and wait_event_type = 'Lock' and now() - query_start > interval '11 seconds'`,
          ),
        );
        expect(rowCount).toBe(2);
      },
      { timeoutMs: 60_000, everyMs: 200 },
    );
    await migrating.query('rollback');
    await Promise.all((await starting).map(stop));
  });
});
