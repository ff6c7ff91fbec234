import { createTcpProxy, eventually, freePort, startPostgres } from '@kpay/testkit';
import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import { SecondClient } from './database.ts';
import { openPostgres } from './open-postgres.ts';

const lines: string[] = [];
const logger = pino({}, { write: (line: string) => void lines.push(line) });
const closers: (() => unknown)[] = [];

afterAll(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const server = await startPostgres();
const url = 'unavailable' in server ? '' : server.url;
closers.push(() => 'unavailable' in server || server.stop());

describe.skipIf(url === '')(`on Postgres${'unavailable' in server ? ` (${server.unavailable})` : ''}`, () => {
  it('values come as from the embedded database', async () => {
    const database = await openPostgres({ url, logger });
    closers.push(database.close);
    const { rows } = await database.pool.query(`select 9007199254740993 as big, '2026-11-24T01:02:03.456Z'::timestamptz as at`);
    expect(rows).toEqual([{ big: '9007199254740993', at: new Date('2026-11-24T01:02:03.456Z') }]);
  });

  it('a second client inside a transaction is refused at once here too', async () => {
    const database = await openPostgres({ url, logger });
    closers.push(database.close);
    const db = database.kysely();
    const transaction = db.transaction().execute(() => sql`select 1`.execute(db));
    await expect(transaction).rejects.toBeInstanceOf(SecondClient);
    await database.close();
    await database.close();
  });

  it('plans a statement once for a connection where it says so, and keeps no others', async () => {
    const database = await openPostgres({ url, logger, maxClients: 1 });
    closers.push(database.close);
    const db = database.kysely();
    const add = (n: number) => sql<{ sum: number }>`/* prepared */ select ${n}::int + 1 as sum`.execute(db);
    expect((await add(1)).rows).toEqual([{ sum: 2 }]);
    expect((await add(2)).rows).toEqual([{ sum: 3 }]);
    await sql`select ${1}::int`.execute(db);
    const { rows } = await sql<{ uses: string }>`select generic_plans + custom_plans as uses from pg_prepared_statements`.execute(
      db,
    );
    expect(rows).toEqual([{ uses: '2' }]);
  });

  it.each([
    ['without parameters', sql`create table begun (n int)`],
    ['with parameters', sql`select set_config('application_name', ${'begun'}, false)`],
  ])('a transaction whose first statement comes %s is undone as a whole', async (_how, first) => {
    const database = await openPostgres({ url, logger, maxClients: 1 });
    closers.push(database.close);
    const db = database.kysely();
    const undone = db.transaction().execute(async (trx) => {
      await first.execute(trx);
      throw new Error('undo');
    });
    await expect(undone).rejects.toThrow('undo');
    const { rows } = await sql<{ begun: boolean; name: string }>`
      select to_regclass('begun') is not null as begun, current_setting('application_name') as name`.execute(db);
    expect(rows).toEqual([{ begun: false, name: 'kpay' }]);
    await db.transaction().execute(async () => {});
    expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }]);
  });

  it('a connection cut in mid-transaction fails that transaction only, and is logged', async () => {
    const proxy = await createTcpProxy({ target: { host: '127.0.0.1', port: Number(new URL(url).port) } });
    closers.push(proxy.close);
    const database = await openPostgres({ url: url.replace(/:\d+\//, `:${proxy.port}/`), logger });
    closers.push(database.close);
    const db = database.kysely();
    const transaction = db.transaction().execute(async (trx) => {
      await sql`select 1`.execute(trx);
      proxy.cut();
      await eventually(() => expect(lines.join('')).toContain('a connection to Postgres failed'));
      await sql`select 2`.execute(trx);
    });
    await expect(transaction).rejects.toThrow();
    expect((await sql`select 3 as three`.execute(db)).rows).toEqual([{ three: 3 }]);
  });

  it('a statement that takes too long is given up, and its connection serves on', async () => {
    const database = await openPostgres({ url, logger, maxClients: 1, statementTimeoutMs: 300 });
    closers.push(database.close);
    await expect(database.pool.query('select pg_sleep(60)')).rejects.toMatchObject({ code: '57014' });
    expect((await database.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  it('gives up a silent server within seconds, and asks over a new connection', async () => {
    const proxy = await createTcpProxy({ target: { host: '127.0.0.1', port: Number(new URL(url).port) } });
    closers.push(proxy.close);
    const through = url.replace(/:\d+\//, `:${proxy.port}/`);
    const database = await openPostgres({ url: through, logger, maxClients: 1, statementTimeoutMs: 300 });
    closers.push(database.close);
    const db = database.kysely();
    const startedMs = performance.now();
    const transaction = db.transaction().execute(async (trx) => {
      await sql`select 1`.execute(trx);
      proxy.drop();
      await sql`select 2`.execute(trx);
    });
    await expect(transaction).rejects.toThrow();
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    proxy.resume();
    expect((await sql`select 3 as three`.execute(db)).rows).toEqual([{ three: 3 }]);
  });

  it('refuses a wrong database in one line that names the setting, not the password', async () => {
    await expect(
      openPostgres({ url: url.replace('kpay@', 'kpay:hush@').replace('/postgres', '/nowhere'), logger }),
    ).rejects.toThrow(
      'cannot connect to Postgres (database "nowhere" does not exist): check DATABASE_URL and that the server runs',
    );
  });
});

it('a server that is not there is refused in one line', async () => {
  const port = await freePort();
  await expect(openPostgres({ url: `postgres://kpay:hush@127.0.0.1:${port}/kpay`, logger })).rejects.toThrow(
    `cannot connect to Postgres (connect ECONNREFUSED 127.0.0.1:${port}): check DATABASE_URL and that the server runs`,
  );
});
