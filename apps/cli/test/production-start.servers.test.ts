import { createTestDatabase, freePort, rememberSecret, startRedis, testServerUrls } from '@kpay/testkit';
import { Redis } from 'ioredis';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startOldPostgres } from './old-postgres.ts';
import { openProductionStage } from './production-stage.ts';
import { type AppName, runApp } from './start-app.ts';

const PASSWORD = rememberSecret('a-secret-of-redis');

async function goodSettings(): Promise<Record<string, string>> {
  return (await openProductionStage()).settings;
}

/** A separate Redis, whose settings the tests may spoil. */
async function ownRedis(spoil: (redis: Redis) => Promise<unknown>, more: readonly string[] = []): Promise<string> {
  const server = await startRedis(more);
  if ('unavailable' in server) throw new Error(server.unavailable);
  onTestFinished(() => server.stop());
  const redis = new Redis(server.url);
  await spoil(redis);
  redis.disconnect();
  return server.url;
}

async function ownDatabase(statement: string): Promise<string> {
  const database = await createTestDatabase(testServerUrls()?.postgresUrl ?? '');
  onTestFinished(database.drop);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(statement);
  await client.end();
  return database.url;
}

const nothing = async () => undefined;

const faults: readonly [what: string, apps: readonly AppName[], spoil: () => Promise<Record<string, string>>, says: RegExp][] = [
  [
    'Redis unreachable',
    ['worker', 'admin-api', 'exporter'],
    async () => ({ REDIS_URL: `redis://127.0.0.1:${await freePort()}` }),
    /REDIS_URL/,
  ],
  [
    'a plugin that is not there',
    ['worker', 'admin-api', 'exporter'],
    async () => ({ KPAY_PLUGINS: './nowhere.ts' }),
    /KPAY_PLUGINS: \.\/nowhere\.ts cannot be loaded/,
  ],
  [
    'a wrong Redis password',
    ['worker'],
    async () => ({
      REDIS_URL: (await ownRedis((redis) => redis.config('SET', 'requirepass', PASSWORD))).replace('//', `//:not-${PASSWORD}@`),
    }),
    /WRONGPASS.*REDIS_URL/,
  ],
  [
    'a node of a cluster given as a single Redis',
    ['worker'],
    async () => ({ REDIS_URL: await ownRedis(nothing, ['--cluster-enabled', 'yes']) }),
    /REDIS_URL leads to one node of a Redis Cluster/,
  ],
  [
    'a read-only replica',
    ['worker'],
    async () => ({ REDIS_URL: await ownRedis((redis) => redis.replicaof('127.0.0.1', 1)) }),
    /REDIS_URL leads to a read-only replica/,
  ],
  [
    'a Redis that evicts',
    ['worker', 'exporter'],
    async () => ({ REDIS_URL: await ownRedis((redis) => redis.config('SET', 'maxmemory-policy', 'allkeys-lru')) }),
    /REDIS_URL.*noeviction/,
  ],
  [
    'Postgres unreachable',
    ['worker', 'admin-api'],
    async () => ({ DATABASE_URL: `postgres://kpay@127.0.0.1:${await freePort()}/postgres` }),
    /DATABASE_URL/,
  ],
  [
    'a Postgres that is too old',
    ['worker'],
    async () => {
      const old = await startOldPostgres();
      onTestFinished(old.close);
      return { DATABASE_URL: old.url };
    },
    /DATABASE_URL leads to Postgres 14\.5: use 15 or newer/,
  ],
  [
    'a ledger of a newer release',
    ['worker', 'admin-api'],
    async () => ({
      DATABASE_URL: await ownDatabase(
        `create schema kpay; create table kpay.kysely_migration (name text primary key, timestamp text);
         insert into kpay.kysely_migration values ('9999-of-the-future', '2030-01-01')`,
      ),
    }),
    /newer release.*DATABASE_URL/,
  ],
  [
    'a schema kpay of somebody else',
    ['worker'],
    async () => ({ DATABASE_URL: await ownDatabase('create schema kpay; create table kpay.transfers (id int)') }),
    /is not a ledger of kpay-ops.*DATABASE_URL/,
  ],
  ['no keys', ['worker', 'exporter'], async () => ({ KPAY_API_KEY: '', KPAY_SECRET_KEY: '' }), /KPAY_API_KEY/],
  ['no admin token', ['admin-api'], async () => ({ KPAY_ADMIN_TOKEN: '' }), /KPAY_ADMIN_TOKEN/],
  [
    'an admin token that could be guessed',
    ['admin-api'],
    async () => ({ KPAY_ADMIN_TOKEN: 'x' }),
    /KPAY_ADMIN_TOKEN is too short/,
  ],
  ['one of the two missing', ['worker'], async () => ({ REDIS_URL: '' }), /DATABASE_URL is set but REDIS_URL is not/],
];

describe.skipIf(!testServerUrls())('a production app that cannot start says in one line which setting is wrong', () => {
  for (const [what, apps, spoil, says] of faults) {
    it.each(apps)(`${what}: %s`, async (app) => {
      const settings = { ...(await goodSettings()), ...(await spoil()) };
      const process = await runApp(app, settings);
      expect(await process.ended).toBe(1);
      expect(process.stderr().trimEnd().split('\n')).toEqual([expect.stringMatching(says)]);
      expect(process.stderr()).not.toContain(PASSWORD);
    });
  }
});
