import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createProducer, type Producer } from '@kpay/producer';
import { eventually, seededRandom, testServerUrls } from '@kpay/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Customers, createCustomers } from './chaos/customers.ts';
import { installHeldCommits } from './chaos/freeze-in-send.ts';
import { checkJobs } from './chaos/jobs.ts';
import { evaluate } from './chaos/laws.ts';
import { makeOrder } from './chaos/orders.ts';
import { countUnsettled, readLedger } from './chaos/read-ledger.ts';
import { say } from './chaos/report.ts';
import { withDatabase } from './chaos/with-database.ts';
import { unpackPreviousVersion } from './previous-version.ts';
import { openProductionStage } from './production-stage.ts';
import { type AppName, type AppProcess, runApp, startApp } from './start-app.ts';
import { adminToken } from './start-kpay.ts';

const SEED = 1;
const AT_ONCE = 20;
// While something starts no more than this are placed: a machine that takes long for it has enough to do.
const MOST = 1_000;
const WITHIN_MS = 90_000;

describe.skipIf(!testServerUrls())('two versions on one Postgres and one Redis', () => {
  it("take on each other's work through a whole deploy: one effect or none each", {
    timeout: 480_000,
  }, async () => {
    const stage = await openStage();
    const { databaseUrl, redisUrl, simulator, previous, startPrevious, startPresent } = stage;
    const producers = { previous: await previousProducer(previous, redisUrl), present: producerOf(createProducer, redisUrl) };
    const random = seededRandom(SEED);
    const all: Customers[] = [];
    const customersOf = (producer: Producer, api: AppProcess) => {
      const customers = createCustomers({ producer, apiUrl: api.url, random, answerWithinMs: 30_000 });
      all.push(customers);
      return customers;
    };
    let placed = 0;
    const place = async (...each: Customers[]) => {
      await Promise.all(
        each.map((customers) => {
          const orders = Array.from({ length: AT_ONCE }, (_, index) => makeOrder(placed + index + 1, SEED));
          placed += AT_ONCE;
          return customers.place(orders);
        }),
      );
    };
    /** Places orders until `work` is done, so that it happens under load. */
    const placeDuring = async <T>(work: Promise<T>, ...each: Customers[]): Promise<T> => {
      let over = false;
      const watched = work.finally(() => {
        over = true;
      });
      // Its failure is reported below.
      watched.catch(() => {});
      for (const from = placed; !over && placed - from < MOST; ) await place(...each);
      return watched;
    };

    const [oldWorker, oldApi] = await Promise.all([startPrevious('worker'), startPrevious('admin-api')]);
    await installHeldCommits(databaseUrl);
    const before = await migrationsOf(databaseUrl);
    const oldByOld = customersOf(producers.previous, oldApi);
    const newByOld = customersOf(producers.present, oldApi);
    await place(oldByOld, newByOld);

    // The first new process brings the ledger up to date under the old worker, which then takes on what the new API
    // accepts.
    const api = await placeDuring(startPresent('admin-api'), oldByOld, newByOld);
    const migrated = (await migrationsOf(databaseUrl)).filter((name) => !before.includes(name));
    expect(migrated.length).toBeGreaterThan(0);
    const oldByNew = customersOf(producers.previous, api);
    const newByNew = customersOf(producers.present, api);
    const everybody = [oldByOld, newByOld, oldByNew, newByNew];
    await place(...everybody);
    await settled(databaseUrl);

    const worker = await placeDuring(startPresent('worker'), ...everybody);
    await placeDuring(
      eventually(
        async () => {
          for (const { pid } of [oldWorker, worker]) expect(await sendsOf(databaseUrl, pid)).toBeGreaterThan(AT_ONCE);
        },
        { timeoutMs: WITHIN_MS, everyMs: 200 },
      ),
      ...everybody,
    );
    await settled(databaseUrl);

    // What the old ones leave behind: transfers that wait, callers' jobs that were put aside, advance jobs.
    const pauseId = await pauseAll(oldApi);
    await place(...everybody);
    expect(await oldWorker.end('SIGTERM')).toBe(0);
    expect(await oldApi.end('SIGTERM')).toBe(0);
    expect(await countUnsettled(databaseUrl)).toBeGreaterThan(AT_ONCE);
    await liftPause(api, pauseId);
    await place(oldByNew, newByNew);
    await settled(databaseUrl);

    const late = await runApp('worker', stage.settings, previous);
    onTestFinished(async () => void (await late.end('SIGKILL')));
    expect(await late.ended).toBe(1);
    expect(late.stderr()).toContain('of a newer release');

    const jobs = await checkJobs(redisUrl, databaseUrl);
    const sends = await Promise.all([oldWorker, worker].map(({ pid }) => sendsOf(databaseUrl, pid)));
    for (const each of [worker, api]) expect(await each.end('SIGTERM')).toBe(0);
    const customers = together(all);
    const truth = simulator.control.truth();
    const ledger = await readLedger(databaseUrl);
    const verdict = evaluate({ ledger, truth, customers, pauses: [] });
    say(
      `${placed} orders, ${truth.transferCount} effects; the old version began ${sends[0]} sends, the new one ${sends[1]}; ` +
        `${migrated.join(', ')} under load; ${customers.askedAgain} orders asked again`,
    );
    expect(verdict).toEqual({ lost: [], doubled: [], unexplained: [], other: [] });
    expect(jobs.broken).toEqual([]);
    expect(customers.failed).toEqual([]);
  });
});

async function openStage() {
  const stage = await openProductionStage({ limit: 1e9, latencyMs: 20, seed: SEED, keptRequests: 100_000 });
  const { simulator, redisUrl, databaseUrl } = stage;
  const previous = unpackPreviousVersion();
  onTestFinished(previous.remove);
  const settings = {
    ...stage.settings,
    KPAY_RATE_LIMIT_PER_MINUTE: '100000',
    KPAY_CONFLICT_CONFIRM_SECONDS: '5',
    KPAY_OBSERVE_BALANCE_SECONDS: '1',
  };
  const started = async (app: AppName, project?: string) => {
    const running = await startApp(app, settings, project);
    onTestFinished(async () => void (await running.end('SIGKILL')));
    return running;
  };
  return {
    simulator,
    redisUrl,
    settings,
    databaseUrl,
    previous: previous.path,
    startPrevious: (app: AppName) => started(app, previous.path),
    startPresent: (app: AppName) => started(app),
  };
}

/** The old producer, which other services may still use. */
async function previousProducer(project: string, redisUrl: string): Promise<Producer> {
  const { href } = pathToFileURL(join(project, 'packages/producer/src/index.ts'));
  const { createProducer: create }: { createProducer: typeof createProducer } = await import(/* @vite-ignore */ href);
  return producerOf(create, redisUrl);
}

function producerOf(create: typeof createProducer, redisUrl: string): Producer {
  const producer = create({ account: 'default', connection: redisUrl });
  onTestFinished(producer.close);
  return producer;
}

async function settled(databaseUrl: string): Promise<void> {
  await eventually(async () => expect(await countUnsettled(databaseUrl)).toBe(0), { timeoutMs: WITHIN_MS, everyMs: 200 });
}

async function migrationsOf(databaseUrl: string): Promise<string[]> {
  const { rows } = await withDatabase(databaseUrl, (client) =>
    client.query<{ name: string }>('select name from kpay.kysely_migration'),
  );
  return rows.map(({ name }) => name);
}

/** How many attempts a worker started. */
async function sendsOf(databaseUrl: string, pid: number): Promise<number> {
  const { rows } = await withDatabase(databaseUrl, (client) =>
    client.query<{ count: string }>(`select count(*) from kpay.attempts where worker like '%-' || $1::text || '-%'`, [pid]),
  );
  return Number(rows[0]?.count);
}

const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };

async function pauseAll({ url }: AppProcess): Promise<string> {
  const body = JSON.stringify({ scope: 'all', reason: 'a deploy' });
  const answer = await fetch(`${url}/v1/pauses`, { method: 'POST', headers, body });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { id: string }).id;
}

async function liftPause({ url }: AppProcess, id: string): Promise<void> {
  expect((await fetch(`${url}/v1/pauses/${id}`, { method: 'DELETE', headers })).ok).toBe(true);
}

function together(all: readonly Customers[]) {
  return {
    orders: new Map(all.flatMap(({ orders }) => [...orders])),
    accepted: new Map(all.flatMap(({ accepted }) => [...accepted])),
    refused: new Map(all.flatMap(({ refused }) => [...refused])),
    cancellations: new Map(all.flatMap(({ cancellations }) => [...cancellations])),
    askedAgain: all.reduce((sum, { count }) => sum + count.askedAgain, 0),
    failed: all.flatMap(({ count }) => count.failed),
  };
}
