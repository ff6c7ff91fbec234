import { openLedger } from '@kpay/ledger';
import { createLogger, type Database, openPostgres } from '@kpay/runtime';
import { createSimulator, type Simulator } from '@kpay/simulator';
import {
  createTestDatabase,
  emptyTestRedis,
  eventually,
  freePort,
  type OwnServer,
  startPostgres,
  startRedis,
  testServerUrls,
} from '@kpay/testkit';
import { acceptTransfer, type Ledger, type LedgerSchema } from '@kpay/transfers';
import { finishRestore } from '@kpay/transfers/operations';
import { createRedisEpochWitness } from '@kpay/transfers/worker';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { examine } from '../src/stores/doctor/doctor.ts';
import type { Finding, FindingLevel } from '../src/stores/doctor/finding.ts';
import { startOldPostgres } from './old-postgres.ts';
import { startApp } from './start-app.ts';
import { settingsFor } from './start-kpay.ts';

const logger = createLogger({ name: 'test', level: 'silent' });
const witnessKey = '{kpay-ledger}:epoch';
const order = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 100_000 };

async function started(server: Promise<OwnServer | { unavailable: string }>): Promise<OwnServer> {
  const running = await server;
  if ('unavailable' in running) throw new Error(running.unavailable);
  return running;
}

async function findingsOf(env: Record<string, string>): Promise<Map<string, Finding>> {
  return new Map((await examine(env)).map((each) => [each.check, each]));
}

describe.skipIf(!testServerUrls())('kpay doctor on Postgres and Redis', { timeout: 60_000 }, () => {
  let simulator: Simulator;
  let postgres: OwnServer;
  let redisServer: OwnServer;
  let redis: Redis;
  let database: Database;
  let ledger: Ledger;
  let settings: Record<string, string>;

  beforeAll(async () => {
    simulator = await createSimulator({ port: 0, limit: 100_000 });
    // Servers with good settings: those of the run do not wait for the disk.
    postgres = await started(startPostgres(['fsync=on']));
    redisServer = await started(startRedis(['--appendonly', 'yes']));
    redis = new Redis(redisServer.url);
  });
  afterAll(async () => {
    redis.disconnect();
    await Promise.all([postgres.stop(), redisServer.stop(), simulator.close()]);
  });

  beforeEach(async () => {
    await redis.flushall();
    const own = await createTestDatabase(postgres.url);
    database = await openPostgres({ url: own.url, logger, maxClients: 2 });
    ledger = await openLedger(database.kysely<LedgerSchema>());
    onTestFinished(async () => {
      await database.close();
      await own.drop();
    });
    const { KPAY_DATA_DIR: _, ...keys } = settingsFor(simulator, '');
    settings = { ...keys, DATABASE_URL: own.url, REDIS_URL: redisServer.url };
  });

  it('finds nothing wrong where nothing is, and changes nothing', async () => {
    const before = await database.pool.query('select * from kpay.ledger');
    const found = await findingsOf(settings);
    expect([...found.values()].filter(({ verdict }) => verdict !== 'good')).toEqual([]);
    expect(found.size).toBeGreaterThanOrEqual(12);
    expect((await database.pool.query('select * from kpay.ledger')).rows).toEqual(before.rows);
    expect((await database.pool.query('select * from kpay.accounts')).rows).toEqual([]);
  });

  const ownRedis = async (spoil: (own: Redis) => Promise<unknown>, more = ['--appendonly', 'yes']) => {
    const server = await started(startRedis(more));
    onTestFinished(() => server.stop());
    const own = new Redis(server.url);
    await spoil(own);
    own.disconnect();
    return { REDIS_URL: server.url };
  };
  const ownPostgres = async (more: string[]) => {
    const server = await started(startPostgres(more));
    onTestFinished(() => server.stop());
    return { DATABASE_URL: server.url };
  };
  const onLedger = async (statement: string) => {
    await database.pool.query(statement);
    return {};
  };
  const accept = async () => {
    const { transfer } = await acceptTransfer(ledger, new Set(['default']), { account: 'default', owner: 'admin', body: order });
    return transfer.id;
  };

  type Fault = [
    what: string,
    spoil: () => Promise<Record<string, string>>,
    check: string,
    verdict: FindingLevel,
    says: RegExp,
    fix?: RegExp,
  ];
  const faults: Fault[] = [
    [
      'Redis unreachable',
      async () => ({ REDIS_URL: `redis://127.0.0.1:${await freePort()}` }),
      'redis',
      'wrong',
      /REDIS_URL/,
      /^redis-cli .* ping/,
    ],
    [
      'a Redis that evicts',
      () => ownRedis((own) => own.config('SET', 'maxmemory-policy', 'allkeys-lru')),
      'redis',
      'wrong',
      /allkeys-lru/,
      /config set maxmemory-policy noeviction/,
    ],
    ['a read-only replica', () => ownRedis((own) => own.replicaof('127.0.0.1', 1)), 'redis', 'wrong', /replica/],
    ['a node of a cluster', () => ownRedis(async () => {}, ['--cluster-enabled', 'yes']), 'redis', 'wrong', /Cluster/],
    [
      'a Redis that forgets at a restart',
      () => ownRedis(async () => {}, []),
      'redis persistence',
      'warning',
      /append-only file is off/,
      /config set appendonly yes/,
    ],
    [
      'Postgres unreachable',
      async () => ({ DATABASE_URL: `postgres://kpay@127.0.0.1:${await freePort()}/postgres` }),
      'postgres',
      'wrong',
      /DATABASE_URL/,
      /^psql/,
    ],
    [
      'a Postgres that is too old',
      async () => {
        const old = await startOldPostgres();
        onTestFinished(old.close);
        return { DATABASE_URL: old.url };
      },
      'postgres',
      'wrong',
      /Postgres 14\.5: use 15 or newer/,
    ],
    [
      'commits that do not wait for the disk',
      async () => {
        const name = new URL(settings.DATABASE_URL ?? '').pathname.slice(1);
        return onLedger(`alter database ${name} set synchronous_commit = off`);
      },
      'postgres synchronous_commit',
      'wrong',
      /power cut/,
      /alter system set synchronous_commit = on/,
    ],
    ['a Postgres without fsync', () => ownPostgres(['fsync=off']), 'postgres fsync', 'wrong', /power cut/, /set fsync = on/],
    [
      'a Postgres without full pages',
      () => ownPostgres(['full_page_writes=off']),
      'postgres full_page_writes',
      'wrong',
      /power cut/,
      /set full_page_writes = on/,
    ],
    ['no ledger yet', () => ownPostgres(['fsync=on']), 'schema', 'warning', /no ledger in this database yet/],
    [
      'a ledger of an older release',
      () => onLedger(`delete from kpay.kysely_migration where name = (select max(name) from kpay.kysely_migration)`),
      'schema',
      'warning',
      /older release/,
      /kpay migrate/,
    ],
    [
      'a ledger of a newer release',
      () => onLedger(`insert into kpay.kysely_migration values ('9999-of-the-future', '2030-01-01')`),
      'schema',
      'wrong',
      /newer release \(9999-of-the-future\)/,
      /install that release/,
    ],
    [
      'a restored ledger',
      async () => {
        const { rows } = await database.pool.query('select id, epoch from kpay.ledger');
        await redis.hset(witnessKey, { ledgerId: rows[0].id, epoch: Number(rows[0].epoch) + 5 });
        return {};
      },
      'epoch',
      'wrong',
      /restored from a backup/,
      /^kpay restore finish/,
    ],
    [
      'the witness of another ledger',
      async () => {
        await redis.hset(witnessKey, { ledgerId: 'another', epoch: 1 });
        return {};
      },
      'epoch',
      'wrong',
      /belongs to another ledger/,
      /REDIS_URL/,
    ],
    [
      'keys of another application than before',
      () =>
        onLedger(
          `insert into kpay.accounts (name, base_url, environment, application_id, pinned_at)
       values ('default', '${'http://127.0.0.1:1'}', 'TEST', '0b7d7c1e-0000-4000-8000-000000000001', now())`,
        ),
      'account default',
      'wrong',
      /belongs to another KPay.*application.*address/,
      /another account name/,
    ],
    [
      'a wrong secret key',
      async () => ({ KPAY_SECRET_KEY: 'not-the-secret' }),
      'account default',
      'wrong',
      /refuses its keys \(401\)/,
      /secret key/,
    ],
    [
      'jobs for an account that is not there',
      async () => {
        const queue = new Queue('kpay-transfers-nobody', { connection: { url: redisServer.url }, prefix: '{kpay-nobody}' });
        await queue.add('transfer', order);
        await queue.close();
        return {};
      },
      'queues',
      'wrong',
      /\{kpay-nobody\}:kpay-transfers-nobody/,
      /KPAY_ACCOUNTS_FILE/,
    ],
    [
      'transfers in review',
      async () => {
        await accept();
        await finishRestore(ledger, createRedisEpochWitness(redis), { by: 'test', unseen: true });
        return {};
      },
      'reviews',
      'warning',
      /^1 transfers in review/,
      /--state review/,
    ],
    [
      'a worker that sends past the budget, on another Redis',
      async () => {
        const elsewhere = await emptyTestRedis(testServerUrls()?.redisUrl ?? '');
        const worker = await startApp('worker', { ...settings, REDIS_URL: elsewhere });
        onTestFinished(async () => void (await worker.end('SIGTERM')));
        const id = await accept();
        const state = () => database.pool.query('select state from kpay.transfers where id = $1', [id]);
        await eventually(async () => expect((await state()).rows).toEqual([{ state: 'succeeded' }]), { timeoutMs: 20_000 });
        return {};
      },
      'budget of default',
      'wrong',
      /1 sends of the last minute.*knows of 0/,
      /same REDIS_URL/,
    ],
  ];

  it.each(faults)('%s', async (_what, spoil, check, verdict, says, fix) => {
    const found = await findingsOf({ ...settings, ...(await spoil()) });
    const finding = found.get(check);
    expect(finding, JSON.stringify([...found.values()], null, 1)).toMatchObject({ verdict, what: expect.stringMatching(says) });
    if (fix) expect(finding?.fix).toMatch(fix);
  });

  it('a clock that is another than that of Postgres, of Redis and of KPay', async () => {
    const toFake: ['Date'] = ['Date'];
    vi.useFakeTimers({ toFake, now: Date.now() + 20_000 });
    onTestFinished(() => void vi.useRealTimers());
    const found = await findingsOf(settings);
    for (const who of ['postgres', 'redis', new URL(simulator.url).host]) {
      expect(found.get(`clock of ${who}`), who).toMatchObject({
        verdict: 'wrong',
        what: expect.stringMatching(/ is (1[5-9]|2[0-5])\.\d s behind this machine/),
        fix: expect.stringMatching(/set-ntp/),
      });
    }
  });

  it('what cannot be looked at is skipped, and never called good', async () => {
    const found = await findingsOf({ ...settings, DATABASE_URL: `postgres://kpay@127.0.0.1:${await freePort()}/postgres` });
    expect(found.get('epoch, reviews')).toMatchObject({ verdict: 'skipped' });
    expect(found.get('account default')).toMatchObject({ verdict: 'good' });
    expect(found.has('budget of default')).toBe(false);
  });
});
