import { PGlite } from '@electric-sql/pglite';
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm';
import { createLogger, openPostgres } from '@kpay/runtime';
import { createTestDatabase, keepLog, testServerUrls } from '@kpay/testkit';
import { Kysely, PGliteDialect, sql } from 'kysely';
import { createLedger, type Ledger, type LedgerSchema, migrateLedger } from '../src/index.ts';

export interface TestLedger extends Ledger {
  /** The ledger's time. */
  now(): Date;
  /** Lets it go on by this much. */
  passMs(ms: number): void;
  empty(): Promise<void>;
  /** Remembers all of it. @returns how to bring it back as it was: what happened since is gone. */
  backUp(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

// Whatever refers to another comes before it.
const TABLES = ['transfer_events', 'attempts', 'transfers', 'quotes', 'pauses', 'wallets', 'accounts', 'sinks'];

// int8 as text, as pg gives it.
const INT8 = 20;

/** A ledger with a clock that tests can push on: in memory, or on the run's Postgres when there is one. */
export async function openTestLedger(): Promise<TestLedger> {
  const { db, close } = await openDatabase();
  await migrateLedger(db);
  let passed = 0;
  let backups = 0;
  const now = () => new Date(Date.now() + passed);
  return Object.assign(createLedger(db, now), {
    now,
    passMs(ms: number) {
      passed += ms;
    },
    async empty() {
      passed = 0;
      // Quicker than truncate for a handful of rows.
      for (const table of TABLES) await sql`delete from kpay.${sql.raw(table)}`.execute(db);
      await sql`update kpay.ledger set epoch = 0, restored_at = null, seen_epoch = null`.execute(db);
    },
    async backUp() {
      const all = [...TABLES, 'ledger'];
      backups += 1;
      const kept = (table: string) => sql.raw(`backup_${backups}_${table}`);
      for (const table of all) await sql`create table ${kept(table)} as select * from kpay.${sql.raw(table)}`.execute(db);
      return () =>
        db.transaction().execute(async (trx) => {
          for (const table of all) await sql`delete from kpay.${sql.raw(table)}`.execute(trx);
          for (const table of all.toReversed()) {
            await sql`insert into kpay.${sql.raw(table)} overriding system value select * from ${kept(table)}`.execute(trx);
          }
        });
    },
    close,
  });
}

async function openDatabase(): Promise<{ db: Kysely<LedgerSchema>; close: () => Promise<void> }> {
  const servers = testServerUrls();
  if (!servers) {
    const pglite = await PGlite.create({ extensions: { pg_trgm }, parsers: { [INT8]: (text: string) => text } });
    const db = new Kysely<LedgerSchema>({ dialect: new PGliteDialect({ pglite }) });
    return { db, close: () => db.destroy() };
  }
  const own = await createTestDatabase(servers.postgresUrl);
  const database = await openPostgres({ url: own.url, logger: createLogger({ name: 'test', destination: keepLog('ledger') }) });
  const close = async () => {
    await database.close();
    await own.drop();
  };
  return { db: database.kysely<LedgerSchema>(), close };
}
