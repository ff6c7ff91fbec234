import { createProducer } from '@kpay/producer';
import { createSimulator } from '@kpay/simulator';
import { createTcpProxy, eventually, freePort, seededRandom } from '@kpay/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { createCustomers } from './chaos/customers.ts';
import { installHeldCommits } from './chaos/freeze-in-send.ts';
import { checkJobs } from './chaos/jobs.ts';
import { KeptApp } from './chaos/kept-app.ts';
import { evaluate } from './chaos/laws.ts';
import { fund, makeOrder, needOf, SCARCE } from './chaos/orders.ts';
import { countUnsettled, readLedger } from './chaos/read-ledger.ts';
import { type Replicated, replicatedPostgres, replicatedRedis } from './chaos/replicated.ts';
import { inSeconds, say } from './chaos/report.ts';
import { adminToken, settingsFor } from './start-kpay.ts';

const EACH = Number(process.env.KPAY_FAILOVERS ?? 3);
const TRANSFERS = Number(process.env.KPAY_FAILOVER_TRANSFERS ?? 5_000);
const SEED = Number(process.env.KPAY_CHAOS_SEED ?? Date.now() % 2 ** 31);

// How long a client retries: long enough for the API to notice that its Postgres went silent (12 s) and to answer.
const ANSWER_WITHIN_MS = 30_000;
const SETTLED_WITHIN_MS = 180_000 + TRANSFERS * 20;
const TEST_TIMEOUT_MS = EACH * 240_000 + SETTLED_WITHIN_MS;

const whole = (count: number, kind: string) => `${count} ${kind}${count === 1 ? '' : 's'}`;

it(`${whole(EACH, 'failover')} and ${whole(EACH, 'rolling restart')} under ${TRANSFERS} transfers: none lost, none doubled, no request to the API failed`, {
  timeout: TEST_TIMEOUT_MS,
}, async () => {
  say(
    `seed ${SEED}: KPAY_CHAOS_SEED=${SEED} KPAY_FAILOVERS=${EACH} KPAY_FAILOVER_TRANSFERS=${TRANSFERS} npm run chaos:failovers`,
  );
  const startedAt = performance.now();
  const { simulator, redis, postgres, workers, apis, exporter, url, roll } = await openStage();
  const random = seededRandom(SEED);
  const producer = createProducer({ account: 'default', connection: redis.url });
  onTestFinished(producer.close);
  const customers = createCustomers({ producer, apiUrl: url, random, answerWithinMs: ANSWER_WITHIN_MS });
  const reader = readOn(url, customers.accepted);
  onTestFinished(async () => void (await reader.stop()));

  const steps = Array.from({ length: EACH }, (_, index) => [
    index % 2 === 0 ? failOver('Postgres', postgres) : failOver('Redis', redis),
    { name: 'rolling restart', run: roll },
  ]).flat();
  const numbers = Array.from({ length: TRANSFERS }, (_, index) => index + 1);
  for (const [index, { name, run }] of steps.entries()) {
    const own = numbers.filter((number) => number % steps.length === index).map((number) => makeOrder(number, SEED));
    fund(simulator, needOf(own));
    await Promise.all([customers.place(own), run()]);
    say(`  ${inSeconds(startedAt)} ${name}; ${customers.orders.size} placed, ${await countUnsettled(postgres.url)} open`);
  }
  await eventually(
    async () => {
      const open = await countUnsettled(postgres.url);
      if (open > 0) throw new Error(`${open} transfers are not settled`);
    },
    { timeoutMs: SETTLED_WITHIN_MS, everyMs: 1_000 },
    // Open transfers are a separate finding, reported with their reasons.
  ).catch(() => {});
  const asked = await reader.stop();
  // Before the workers stop, because they end the last callers' jobs.
  const jobs = await checkJobs(redis.url, postgres.url);

  const apps = [...workers, ...apis, exporter];
  const exits = [];
  for (const each of apps) exits.push(await each.stop('SIGTERM'));
  const ledger = await readLedger(postgres.url);
  const truth = simulator.control.truth();
  const verdict = evaluate({ ledger, truth, customers, pauses: [] });
  const told = Object.entries(asked.statuses).map(([status, count]) => `${status} ${count} times`);
  say(
    `${truth.transferCount} effects, ${verdict.lost.length} lost, ${verdict.doubled.length} doubled, ` +
      `${verdict.unexplained.length} unexplained; the API was read ${asked.requests} times: ${told.join(', ')}; ` +
      `${customers.count.askedAgain} orders asked again; callers' jobs knew an end after ${(jobs.toldWithinMs / 1_000).toFixed(1)} s ` +
      `at most; ${inSeconds(startedAt)} in all`,
  );

  expect(customers.orders.size).toBe(TRANSFERS);
  expect(verdict).toEqual({ lost: [], doubled: [], unexplained: [], other: [] });
  expect(jobs.broken).toEqual([]);
  expect(asked.failed).toEqual([]);
  expect(customers.count.failed).toEqual([]);
  expect(apps.flatMap(({ fell }) => fell)).toEqual([]);
  expect(exits).toEqual(exits.map(() => 0));
  // Otherwise the run has not tested its subject.
  expect(asked.requests).toBeGreaterThan(EACH * 10);
});

async function openStage() {
  const simulator = await createSimulator({
    port: 0,
    limit: 1e9,
    latencyMs: 20,
    seed: SEED,
    keptRequests: 5 * TRANSFERS + 10_000,
  });
  onTestFinished(() => simulator.close());
  simulator.control.setBalance({ country: SCARCE.country, balance: 0 });
  const postgres = await kept(replicatedPostgres());
  const redis = await kept(replicatedRedis());
  const { KPAY_DATA_DIR: _, ...keys } = settingsFor(simulator, '');
  const settings = {
    ...keys,
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    KPAY_RATE_LIMIT_PER_MINUTE: '100000',
    KPAY_CONFLICT_CONFIRM_SECONDS: '5',
    KPAY_WORKER_CONCURRENCY: '20',
  };
  const workers = [new KeptApp('worker', settings), new KeptApp('worker', settings)];
  const ports = [await freePort(), await freePort()];
  const apis = ports.map((port) => new KeptApp('admin-api', { ...settings, ADMIN_API_PORT: String(port) }));
  const exporter = new KeptApp('exporter', settings);
  const apps = [...workers, ...apis, exporter];
  onTestFinished(async () => void (await Promise.all(apps.map((each) => each.stop('SIGKILL')))));
  await Promise.all(apps.map((each) => each.start()));
  await installHeldCommits(postgres.url);

  // Like a load balancer, it leads new connections to an instance that is not stopping.
  const led = new Set(ports);
  let turn = 0;
  const balancer = await createTcpProxy({
    target: {
      host: '127.0.0.1',
      get port() {
        turn += 1;
        return [...led][turn % led.size] ?? 0;
      },
    },
  });
  onTestFinished(balancer.close);

  /** Restarts one app after the other, each when the one before is ready again. */
  async function roll(): Promise<void> {
    for (const app of apps) {
      const port = ports[apis.indexOf(app)];
      if (port !== undefined) led.delete(port);
      expect(await app.stop('SIGTERM')).toBe(0);
      await app.start();
      if (port !== undefined) led.add(port);
    }
  }
  return { simulator, postgres, redis, workers, apis, exporter, url: `http://127.0.0.1:${balancer.port}`, roll };
}

async function kept(opening: Promise<Replicated>): Promise<Replicated> {
  const replicated = await opening;
  onTestFinished(replicated.close);
  return replicated;
}

function failOver(of: string, { failOver: run }: Replicated) {
  return { name: `failover of ${of}`, run };
}

/** Reads transfers all the time and keeps each failed answer. A 503 is retried. */
function readOn(url: string, accepted: ReadonlyMap<string, ReadonlySet<string>>) {
  const statuses: Record<string, number> = {};
  const failed: string[] = [];
  let requests = 0;
  let over = false;
  const reading = (async () => {
    while (!over) {
      const ids = [...accepted.values()].flatMap((each) => [...each]);
      const path = ids.length === 0 ? '/v1/transfers?limit=1' : `/v1/transfers/${ids[requests % ids.length]}`;
      requests += 1;
      // A new connection for each, as a load balancer makes them.
      const headers = { authorization: `Bearer ${adminToken}`, connection: 'close' };
      try {
        const answer = await fetch(`${url}${path}`, { headers, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
        statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
        const body = await answer.text();
        if (answer.status !== 200 && answer.status !== 503) failed.push(`${path}: ${answer.status} ${body}`);
      } catch (error) {
        failed.push(`${path}: ${error instanceof Error ? (error.cause ?? error) : error}`);
      }
    }
  })();
  return {
    async stop() {
      over = true;
      await reading;
      return { requests, statuses, failed };
    },
  };
}
