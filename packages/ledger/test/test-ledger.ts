import { PGlite } from '@electric-sql/pglite';
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm';
import { createLogger, openPostgres } from '@kpay/runtime';
import { createTestDatabase, emptyDatabaseDump, keepLog, testServerUrls } from '@kpay/testkit';
import { Kysely, sql } from 'kysely';
import { createLedger, type Ledger, type LedgerSchema, migrateLedger } from '../src/index.ts';
import { preparedDialect } from './prepared-pglite.ts';

export interface TestLedger extends Ledger {
  /** The ledger's time. */
  now(): Date;
  /** Moves the time forward by this much. */
  passMs(ms: number): void;
  empty(): Promise<void>;
  /** Saves the whole ledger. @returns a function that restores it and discards everything since. */
  backUp(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

// A table comes before the tables to which it refers.
const TABLES = ['transfer_events', 'attempts', 'transfers', 'quotes', 'pauses', 'wallets', 'refusals', 'accounts', 'sinks'];

// int8 as text, as pg gives it.
const INT8 = 20;

/**
 * A ledger with a clock that tests can push on: in memory, or on the run's Postgres when there is one.
 * @param given a PGlite that is open already, with whatever ledger it had before.
 */
export async function openTestLedger(given?: PGlite): Promise<TestLedger> {
  const { db, close } = given ? await emptiedDatabase(given) : await openDatabase();
  await migrateLedger(db);
  let passed = 0;
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
      await sql`update kpay.ledger set epoch = 0, restored_at = null, seen_epoch = null, growth_owed = false`.execute(db);
    },
    async backUp() {
      const kept = new Map<string, unknown>();
      for (const table of [...TABLES, 'ledger']) {
        const { rows } = await sql<{ all: unknown }>`
          select coalesce(jsonb_agg(kept), '[]') as all from kpay.${sql.raw(table)} as kept`.execute(db);
        kept.set(table, rows[0]?.all);
      }
      return () =>
        db.transaction().execute(async (trx) => {
          for (const table of kept.keys()) await sql`delete from kpay.${sql.raw(table)}`.execute(trx);
          for (const [table, rows] of [...kept].toReversed()) {
            const name = sql.raw(`kpay.${table}`);
            await sql`
              insert into ${name} overriding system value
              select * from jsonb_populate_recordset(null::${name}, ${JSON.stringify(rows)}::jsonb)`.execute(trx);
          }
        });
    },
    close,
  });
}

/** For tests that start many ledgers in turn: starting a PGlite costs more than a simulated run. */
async function emptiedDatabase(pglite: PGlite): Promise<{ db: Kysely<LedgerSchema>; close: () => Promise<void> }> {
  await pglite.exec('deallocate all; drop schema if exists kpay cascade');
  return { db: new Kysely<LedgerSchema>({ dialect: preparedDialect(pglite) }), close: () => Promise.resolve() };
}

export async function openTestPglite(): Promise<PGlite> {
  const loadDataDir = await emptyDatabaseDump();
  const pglite = await PGlite.create({ loadDataDir, extensions: { pg_trgm }, parsers: { [INT8]: (text: string) => text } });
  // Nothing outlives the process, and a statement keeps one plan, however often it runs.
  await pglite.exec('set synchronous_commit = off; set plan_cache_mode = force_generic_plan');
  return pglite;
}

async function openDatabase(): Promise<{ db: Kysely<LedgerSchema>; close: () => Promise<void> }> {
  const servers = testServerUrls();
  if (!servers) {
    const pglite = await openTestPglite();
    const db = new Kysely<LedgerSchema>({ dialect: preparedDialect(pglite) });
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
