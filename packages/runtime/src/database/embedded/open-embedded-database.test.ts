import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { eventually, type TemporaryFolder, temporaryFolder } from '@kpay/testkit';
import { type Kysely, sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { IdleTransaction, SecondClient } from '../database.ts';
import { FolderInUse } from './folder-lock.ts';
import { type EmbeddedDatabase, openEmbeddedDatabase } from './open-embedded-database.ts';

interface Tables {
  'kpay.row': { n: number };
}

const IDLE_MS = 300;
const lines: string[] = [];
const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });

let folder: TemporaryFolder;
let database: EmbeddedDatabase;
let db: Kysely<Tables>;

const rows = async () => (await db.selectFrom('kpay.row').select('n').orderBy('n').execute()).map(({ n }) => n);
const insert = (n: number, into: Kysely<Tables> = db) => into.insertInto('kpay.row').values({ n }).execute();

beforeAll(async () => {
  folder = temporaryFolder();
  // The state after an interrupted first start: half a database, and no mark of completion.
  fs.mkdirSync(join(folder.path, 'postgres'));
  fs.writeFileSync(join(folder.path, 'postgres', 'PG_VERSION'), '18\n');
  database = await openEmbeddedDatabase({ dataDir: folder.path, logger, idleInTransactionMs: IDLE_MS });
  db = database.kysely();
  await sql`create schema kpay`.execute(db);
  await sql`create table kpay.row (n int not null)`.execute(db);
});

afterAll(async () => {
  await database.close();
  await database.close();
  folder.remove();
});

beforeEach(async () => {
  lines.length = 0;
  await sql`truncate kpay.row`.execute(db);
});

it('a first start that was interrupted is begun again', async () => {
  expect(await rows()).toEqual([]);
});

it('the folder cannot be opened a second time, not even by the same process', async () => {
  await expect(openEmbeddedDatabase({ dataDir: folder.path, logger })).rejects.toBeInstanceOf(FolderInUse);
});

it('a folder that other users may enter is refused with the command that fixes it', async () => {
  const open = temporaryFolder();
  onTestFinished(open.remove);
  fs.chmodSync(open.path, 0o755);
  await expect(openEmbeddedDatabase({ dataDir: open.path, logger })).rejects.toThrow(
    `the data folder ${open.path} is open to other users of this machine: run chmod 700 ${open.path}`,
  );
  expect(fs.readdirSync(open.path)).toEqual([]);
});

// Node's recursive mkdir would never return here, and no test time-out could end it.
it.skipIf(process.platform !== 'linux')('a folder that cannot be made is refused at once', async () => {
  await expect(openEmbeddedDatabase({ dataDir: '/proc/kpay/data', logger })).rejects.toThrow(
    "the data folder /proc/kpay/data cannot be written (ENOENT: no such file or directory, mkdir '/proc/kpay'): set KPAY_DATA_DIR",
  );
});

it('gives values as pg: bigint, numeric as text, timestamps as dates, parsed json', async () => {
  const { rows } = await database.pool.query(
    `select 9007199254740993 as big, 1.50::numeric as exact, 7::int as small, '{"a":[1]}'::jsonb as json,
            '2026-11-24T01:02:03.456Z'::timestamptz as at, array['x','y'] as list, $1::text as given`,
    ['é'],
  );
  expect(rows).toEqual([
    {
      big: '9007199254740993',
      exact: '1.50',
      small: 7,
      json: { a: [1] },
      at: new Date('2026-11-24T01:02:03.456Z'),
      list: ['x', 'y'],
      given: 'é',
    },
  ]);
});

it('a failed statement carries the code of Postgres and leaves the session usable', async () => {
  await expect(database.pool.query('select * from nowhere')).rejects.toMatchObject({ code: '42P01' });
  await expect(database.pool.query('select $1::int', ['x'])).rejects.toMatchObject({ code: '22P02' });
  expect((await database.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

it("another client's insert waits for an open transaction and survives its rollback", async () => {
  let other: Promise<unknown> = Promise.resolve();
  const started = Promise.withResolvers<void>();
  const transaction = db.transaction().execute(async (trx) => {
    await insert(1, trx);
    started.resolve();
    await insert(2, trx);
    await sql`select 1 / 0`.execute(trx);
  });
  const failed = expect(transaction).rejects.toThrow('division by zero');
  await started.promise;
  other = insert(3);
  await failed;
  await other;
  expect(await rows()).toEqual([3]);
});

it('transactions that race run one after the other and none is lost', async () => {
  await insert(0);
  const increment = () =>
    db.transaction().execute(async (trx) => {
      const { n } = await trx.selectFrom('kpay.row').select('n').executeTakeFirstOrThrow();
      await trx
        .updateTable('kpay.row')
        .set({ n: n + 1 })
        .execute();
    });
  await Promise.all(Array.from({ length: 50 }, increment));
  expect(await rows()).toEqual([50]);
});

it('a client released in mid-transaction is rolled back before its next owner', async () => {
  const client = await database.pool.connect();
  await client.query('begin');
  await client.query('insert into kpay.row values (1)');
  client.release();
  expect(await rows()).toEqual([]);

  const broken = await database.pool.connect();
  await broken.query('begin');
  await broken.query('insert into kpay.row values (1)');
  broken.release(true);
  expect(await rows()).toEqual([]);
});

describe('inside a transaction', () => {
  it('refuses a second client at once, however it asks, and rolls back', async () => {
    const asks: (() => Promise<unknown>)[] = [
      () => insert(2),
      () => db.transaction().execute((trx) => insert(2, trx)),
      () => database.pool.query('insert into kpay.row values (2)'),
      () => database.pool.connect(),
    ];
    for (const ask of asks) {
      const began = performance.now();
      const transaction = db.transaction().execute(async (trx) => {
        await insert(1, trx);
        await ask();
      });
      await expect(transaction).rejects.toBeInstanceOf(SecondClient);
      expect(performance.now() - began).toBeLessThan(IDLE_MS);
    }
    expect(await rows()).toEqual([]);
  });

  it('what runs beside it or after it is not refused', async () => {
    let after: Promise<unknown> | undefined;
    await Promise.all([
      insert(1),
      db.transaction().execute(async (trx) => {
        await insert(2, trx);
        after = new Promise((resolve) => setImmediate(resolve)).then(() => eventually(() => insert(3)));
      }),
    ]);
    await after;
    expect(await rows()).toEqual([1, 2, 3]);
  });

  it('one that waits for anything else loses the session, learns it, blocks nobody', async () => {
    const asleep = Promise.withResolvers<void>();
    const began = Promise.withResolvers<void>();
    const transaction = db.transaction().execute(async (trx) => {
      await insert(1, trx);
      began.resolve();
      await asleep.promise;
    });
    const refused = expect(transaction).rejects.toBeInstanceOf(IdleTransaction);
    await began.promise;
    await insert(2);
    asleep.resolve();
    await refused;
    expect(await rows()).toEqual([2]);
    expect(lines.join('')).toContain('await nothing in it but its client');
    await insert(3);
    expect(await rows()).toEqual([2, 3]);
  });

  it('a long queue for the session is no fault', async () => {
    const began = performance.now();
    const slow = () => db.transaction().execute((trx) => sql`select pg_sleep(0.05)`.execute(trx));
    await Promise.all(Array.from({ length: 12 }, slow));
    expect(performance.now() - began).toBeGreaterThan(IDLE_MS);
    expect(lines).toEqual([]);
  });
});

it('a busy ledger leaves the event loop its turns', async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  await Promise.all(Array.from({ length: 200 }, (_, n) => insert(n)));
  clearInterval(timer);
  expect(turns).toBeGreaterThan(10);
});

it('each commit reaches the disk by an fsync of its own', async () => {
  const { fsyncSync } = fs;
  let count = 0;
  fs.fsyncSync = (descriptor) => {
    count++;
    fsyncSync(descriptor);
  };
  syncBuiltinESMExports();
  try {
    for (let n = 0; n < 20; n++) await insert(n);
  } finally {
    fs.fsyncSync = fsyncSync;
    syncBuiltinESMExports();
  }
  expect(count).toBeGreaterThanOrEqual(20);
});

it('maintenance cleans up what deleted rows leave', async () => {
  await insert(1);
  await sql`delete from kpay.row`.execute(db);
  await database.maintain();
  const { rows } = await sql<{ pages: number }>`select relpages as pages from pg_class where oid = 'kpay.row'::regclass`.execute(
    db,
  );
  expect(rows).toEqual([{ pages: 0 }]);
});
