import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import pg from 'pg';
import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer, Wait } from 'testcontainers';
import { type OwnServer, type Unavailable, unavailable } from './own-server.ts';
import { startPostgres } from './start-postgres.ts';
import { startRedis } from './start-redis.ts';

/** A Postgres and a Redis for a whole test run. */
export interface TestServers {
  kind: 'containers' | 'local';
  postgresUrl: string;
  redisUrl: string;
  /** What the run left open: connections and databases, a sentence each. */
  findLeaks(): Promise<string[]>;
  stop(): Promise<void>;
}

const PASSWORD = 'kpay-test';
const LEFT_OPEN_MS = 5_000;

/**
 * Starts both servers, in containers (KPAY_TEST_REDIS_IMAGE, KPAY_TEST_POSTGRES_IMAGE) or from this machine's binaries.
 * `servers` uses containers if a Docker engine answers.
 */
export async function startTestServers(kind: 'servers' | 'containers' | 'local'): Promise<TestServers | Unavailable> {
  const inContainers = kind === 'containers' || (kind === 'servers' && (await dockerAnswers()));
  const started = inContainers ? await startContainers() : await startLocal();
  if ('unavailable' in started) return started;
  return { ...started, kind: inContainers ? 'containers' : 'local', findLeaks: () => findLeaks(started) };
}

type Started = Omit<TestServers, 'kind' | 'findLeaks'>;

async function dockerAnswers(): Promise<boolean> {
  return getContainerRuntimeClient().then(
    () => true,
    () => false,
  );
}

async function startContainers(): Promise<Started | Unavailable> {
  if (!(await dockerAnswers())) return unavailable('no Docker engine answers');
  const redisImage = process.env.KPAY_TEST_REDIS_IMAGE ?? 'redis:7';
  const postgresImage = process.env.KPAY_TEST_POSTGRES_IMAGE ?? 'postgres:15';
  const redis = await new GenericContainer(redisImage).withExposedPorts(6379).withWaitStrategy(Wait.forListeningPorts()).start();
  const postgres = await new GenericContainer(postgresImage)
    .withExposedPorts(5432)
    .withEnvironment({ POSTGRES_USER: 'kpay', POSTGRES_PASSWORD: PASSWORD })
    .withWaitStrategy(Wait.forListeningPorts())
    .start()
    .catch(async (error: unknown) => {
      await redis.stop();
      throw error;
    });
  const at = (container: StartedTestContainer, port: number) => `${container.getHost()}:${container.getMappedPort(port)}`;
  return {
    redisUrl: `redis://${at(redis, 6379)}`,
    postgresUrl: `postgres://kpay:${PASSWORD}@${at(postgres, 5432)}/postgres`,
    async stop() {
      await postgres.stop();
      await redis.stop();
    },
  };
}

async function startLocal(): Promise<Started | Unavailable> {
  const opened: OwnServer[] = [];
  for (const start of [startPostgres, startRedis]) {
    const server = await start();
    if ('unavailable' in server) {
      for (const each of opened) await each.stop();
      return server;
    }
    opened.push(server);
  }
  const [postgres, redis] = opened;
  if (!postgres || !redis) throw new Error('Postgres or Redis did not start');
  return {
    postgresUrl: postgres.url,
    redisUrl: redis.url,
    async stop() {
      for (const each of opened) await each.stop();
    },
  };
}

/** A connection that is closing gets a moment. One that stays is a leak. */
async function findLeaks(servers: Started): Promise<string[]> {
  const deadline = performance.now() + LEFT_OPEN_MS;
  for (;;) {
    const leaks = [...(await leaksOfPostgres(servers.postgresUrl)), ...(await leaksOfRedis(servers.redisUrl))];
    if (leaks.length === 0 || performance.now() > deadline) return leaks;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function leaksOfPostgres(url: string): Promise<string[]> {
  return withPostgres(url, async (client) => {
    const { rows: clients } = await client.query<{ name: string; database: string }>(
      `select application_name as name, datname as database from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()`,
    );
    const { rows: databases } = await client.query<{ name: string }>(
      `select datname as name from pg_database where datname like 'kpay_test_%'`,
    );
    return [
      ...clients.map(({ name, database }) => `a Postgres connection of "${name}" to ${database} was left open`),
      ...databases.map(({ name }) => `the database ${name} was left behind`),
    ];
  });
}

async function leaksOfRedis(url: string): Promise<string[]> {
  const redis = new Redis(url);
  try {
    const own = await redis.client('ID');
    const list = String(await redis.client('LIST'))
      .trim()
      .split('\n');
    const others = list.filter((line) => !line.startsWith(`id=${own} `));
    return others.map((line) => `a Redis connection was left open: ${line.slice(0, 120)}`);
  } finally {
    redis.disconnect();
  }
}

async function withPostgres<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** The addresses of the run's servers; undefined when tests run embedded. Set by vitest-servers.ts, or by a person. */
export function testServerUrls(): { postgresUrl: string; redisUrl: string } | undefined {
  const { KPAY_TEST_POSTGRES_URL: postgresUrl, KPAY_TEST_REDIS_URL: redisUrl } = process.env;
  return postgresUrl && redisUrl ? { postgresUrl, redisUrl } : undefined;
}

export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

/** Creates an empty database on the run's Postgres. */
export async function createTestDatabase(postgresUrl: string): Promise<TestDatabase> {
  const name = `kpay_test_${randomBytes(6).toString('hex')}`;
  await withPostgres(postgresUrl, (client) => client.query(`create database ${name}`));
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  return {
    url: url.toString(),
    drop: () => withPostgres(postgresUrl, async (client) => void (await client.query(`drop database ${name}`))),
  };
}

/** An empty Redis database that no other test file uses at the same time. */
export async function emptyTestRedis(redisUrl: string): Promise<string> {
  const url = `${redisUrl}/${process.env.VITEST_POOL_ID ?? 0}`;
  const redis = new Redis(url);
  try {
    await redis.flushdb();
  } finally {
    redis.disconnect();
  }
  return url;
}
