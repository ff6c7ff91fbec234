import { createTcpProxy, eventually, startPostgres, startRedis } from '@kpay/testkit';
import { Redis } from 'ioredis';
import pg from 'pg';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openQueues } from '../queues/open-queues.ts';
import { openRedis } from '../redis/open-redis.ts';
import { openPostgres } from './open-postgres.ts';

const logger = pino({ level: 'silent' });

async function postgres(): Promise<{ url: string; port: number; ask(text: string): Promise<void> } | undefined> {
  const server = await startPostgres();
  if ('unavailable' in server) return undefined;
  onTestFinished(() => server.stop());
  return {
    url: server.url,
    port: server.port,
    async ask(text) {
      const client = new pg.Client({ connectionString: server.url });
      await client.connect();
      await client.query(text).finally(() => client.end());
    },
  };
}

const can = await startRedis();
if (!('unavailable' in can)) await can.stop();

describe.skipIf('unavailable' in can)('with servers of our own', () => {
  it('after a switchover all connections leave the server that takes no writes', async () => {
    const [old, next] = [await postgres(), await postgres()];
    if (!old || !next) throw new Error('there is no Postgres');
    let port = old.port;
    const proxy = await createTcpProxy({
      target: {
        host: '127.0.0.1',
        get port() {
          return port;
        },
      },
    });
    onTestFinished(proxy.close);
    for (const each of [old, next]) await each.ask('create table notes (n int)');
    const database = await openPostgres({ url: old.url.replace(`:${old.port}/`, `:${proxy.port}/`), logger, maxClients: 3 });
    onTestFinished(database.close);
    const write = () => database.pool.query('insert into notes values (1)');
    await Promise.all([write(), write(), write()]);

    await old.ask('alter system set default_transaction_read_only = on');
    await old.ask('select pg_reload_conf()');
    await eventually(() => expect(write()).rejects.toMatchObject({ code: '25006' }));
    // Nothing else to go to yet.
    await expect(write()).rejects.toMatchObject({ code: '25006' });
    port = next.port;
    await eventually(async () => void (await write()), { timeoutMs: 3_000 });
    await Promise.all([write(), write(), write()]);
  }, 60_000);

  it('a pool that only reads leaves a server that takes no writes too', async () => {
    const server = await postgres();
    if (!server) throw new Error('there is no Postgres');
    const database = await openPostgres({ url: server.url, logger, maxClients: 1 });
    onTestFinished(database.close);
    await database.pool.query('select 1');
    await server.ask('alter system set default_transaction_read_only = on');
    await server.ask('select pg_reload_conf()');
    const refused = async () => expect(database.pool.query('select 1')).rejects.toMatchObject({ code: '25006' });
    await eventually(refused, { timeoutMs: 5_000 });
    await expect(openPostgres({ url: server.url, logger })).rejects.toThrow(
      'DATABASE_URL leads to a Postgres that takes no writes',
    );
  }, 60_000);

  it('what a database or role sets changes neither answers nor limits', async () => {
    const server = await postgres();
    if (!server) throw new Error('there is no Postgres');
    for (const [name, value] of [
      ['datestyle', "'German, DMY'"],
      ['intervalstyle', 'iso_8601'],
      ['timezone', "'Africa/Douala'"],
      ['extra_float_digits', '0'],
      ['bytea_output', 'escape'],
      ['client_encoding', "'LATIN1'"],
      ['search_path', 'elsewhere'],
      ['standard_conforming_strings', 'off'],
      ['default_transaction_isolation', 'serializable'],
      ['statement_timeout', '1'],
    ] as const)
      await server.ask(`set statement_timeout = 0; alter database postgres set ${name} = ${value}`);
    const database = await openPostgres({ url: server.url, logger });
    onTestFinished(database.close);
    const { rows } = await database.pool.query(
      `select '2026-11-24T01:02:03.456Z'::timestamptz as at, '1 day'::interval::text as lasts, 'a\\b' as text,
         current_setting('timezone') as zone, current_setting('search_path') as path, current_setting('client_encoding') as encoding,
         current_setting('transaction_isolation') as isolation, current_setting('statement_timeout') as timeout,
         current_setting('idle_in_transaction_session_timeout') as idle`,
    );
    expect(rows).toEqual([
      {
        at: new Date('2026-11-24T01:02:03.456Z'),
        lasts: '1 day',
        text: 'a\\b',
        zone: 'UTC',
        path: '"$user", public',
        encoding: 'UTF8',
        isolation: 'read committed',
        timeout: '10s',
        idle: '5s',
      },
    ]);
  }, 60_000);

  it('a Redis that became a replica is left, and is not ready meanwhile', async () => {
    const server = await startRedis();
    if ('unavailable' in server) throw new Error(server.unavailable);
    onTestFinished(() => server.stop());
    const next = await startRedis();
    if ('unavailable' in next) throw new Error(next.unavailable);
    onTestFinished(() => next.stop());
    let port = server.port;
    const proxy = await createTcpProxy({
      target: {
        host: '127.0.0.1',
        get port() {
          return port;
        },
      },
    });
    onTestFinished(proxy.close);
    const url = `redis://127.0.0.1:${proxy.port}`;
    const producer = await openRedis({ url, role: 'producer', logger });
    const worker = await openRedis({ url, role: 'worker', logger });
    const queues = await openQueues({ store: { kind: 'redis', redisUrl: url }, logger });
    onTestFinished(async () => {
      producer.disconnect();
      worker.disconnect();
      await queues.close();
    });
    await queues.ping();
    const admin = new Redis(server.url);
    onTestFinished(() => admin.disconnect());
    await admin.replicaof('127.0.0.1', next.port);
    await expect(queues.ping()).rejects.toThrow('Redis is a read-only replica');
    const waits = worker.set('key', 'worker');
    await expect(producer.set('key', 'producer')).rejects.toThrow(/READONLY/);
    port = next.port;
    expect(await waits).toBe('OK');
    await eventually(async () => expect(await producer.set('key', 'producer')).toBe('OK'), { timeoutMs: 3_000 });
    await eventually(() => queues.ping(), { timeoutMs: 3_000 });
  }, 60_000);
});
