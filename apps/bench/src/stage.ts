import { randomUUID } from 'node:crypto';
import { simulatorApiKey, simulatorSecretKey } from '@kpay/simulator';
import { freePort, type OwnServer, startPostgres, startRedis, type Unavailable } from '@kpay/testkit';
import pg from 'pg';
import { type App, startApp } from './start-app.ts';

/** A Postgres, a Redis and a simulated KPay, all empty and each in its own process. */
export interface Stage {
  simulatorUrl: string;
  redisUrl: string;
  postgresUrl: string;
  /** The process ids of the servers. */
  pids: Readonly<Record<'postgres' | 'redis' | 'simulator', number>>;
  /** Sends a request to the simulator's control API. */
  control<T>(method: 'GET' | 'POST', path: string, body?: object): Promise<T>;
  startWorker(env?: Readonly<Record<string, string>>, nodeArguments?: readonly string[]): Promise<App>;
  startExporter(env?: Readonly<Record<string, string>>): Promise<App>;
  /** @returns the app with its address and a token that may do everything. */
  startAdminApi(env?: Readonly<Record<string, string>>): Promise<App & { url: string; token: string }>;
  startProgram(main: string, env: Readonly<Record<string, string>>, nodeArguments?: readonly string[]): Promise<App>;
  /** Creates an empty database. @returns its address. */
  createDatabase(name: string): Promise<string>;
  /** Ends everything that was started here, the newest first. */
  close(): Promise<void>;
}

/** Settings with which each commit waits for the disk, as in production. */
const DURABLE = ['fsync=on', 'synchronous_commit=on', 'shared_buffers=256MB'];

export async function openStage({
  timeScale = 1,
  postgres: postgresSettings = DURABLE,
}: {
  timeScale?: number;
  postgres?: readonly string[];
} = {}): Promise<Stage> {
  const opened: { stop(): Promise<void> }[] = [];
  const close = async () => {
    for (const each of opened.splice(0).reverse()) await each.stop();
  };
  const keep = <T extends { stop(): Promise<void> }>(server: T): T => {
    opened.push(server);
    return server;
  };
  try {
    const postgres = keep(available(await startPostgres([...postgresSettings])));
    const redis = keep(available(await startRedis(['--appendonly', 'yes', '--appendfsync', 'everysec'])));
    const simulatorPort = await freePort();
    const simulatorUrl = `http://127.0.0.1:${simulatorPort}`;
    const simulator = keep(
      await startApp({
        main: '../../simulator/src/main.ts',
        env: { SIMULATOR_PORT: String(simulatorPort), SIMULATOR_TIME_SCALE: String(timeScale) },
        ready: 'listens on',
      }),
    );
    const common = {
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
      KPAY_BASE_URL: simulatorUrl,
      KPAY_API_KEY: simulatorApiKey,
      KPAY_SECRET_KEY: simulatorSecretKey,
    };
    const startService = async (
      name: 'worker' | 'exporter' | 'admin-api',
      env: Readonly<Record<string, string>>,
      nodeArguments: readonly string[] = [],
    ) => {
      const port = { [`${name.replace('-', '_').toUpperCase()}_PORT`]: String(await freePort()), ...env };
      const main = `../../${name}/src/main.ts`;
      return keep(await startApp({ main, env: { ...common, ...port }, ready: '"msg":"started"', nodeArguments }));
    };
    return {
      simulatorUrl,
      redisUrl: redis.url,
      postgresUrl: postgres.url,
      pids: { postgres: postgres.pid, redis: redis.pid, simulator: simulator.pid },
      control: (method, path, body) => control(simulatorUrl, method, path, body),
      startWorker: (env = {}, nodeArguments = []) => startService('worker', env, nodeArguments),
      startExporter: (env = {}) => startService('exporter', env),
      async startAdminApi(env = {}) {
        const port = await freePort();
        const token = randomUUID();
        const app = await startService('admin-api', { ADMIN_API_PORT: String(port), KPAY_ADMIN_TOKEN: token, ...env });
        return { ...app, url: `http://127.0.0.1:${port}`, token };
      },
      startProgram: async (main, env, nodeArguments = []) =>
        keep(await startApp({ main, env: { ...common, ...env }, ready: 'ready\n', nodeArguments })),
      createDatabase: (name) => createDatabase(postgres.url, name),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function available(server: OwnServer | Unavailable): OwnServer {
  if ('unavailable' in server) throw new Error(`the benchmarks need it: ${server.unavailable}`);
  return server;
}

async function createDatabase(postgresUrl: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  try {
    await client.query(`create database ${name}`);
  } finally {
    await client.end();
  }
  const url = new URL(postgresUrl);
  url.pathname = `/${name}`;
  return url.toString();
}

async function control<T>(url: string, method: string, path: string, body?: object): Promise<T> {
  const init = { method, ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }) };
  const answer = await fetch(`${url}/__sim/${path}`, init);
  if (!answer.ok) throw new Error(`the simulator refuses ${method} ${path}: ${await answer.text()}`);
  return (await answer.json()) as T;
}
