import { PGlite } from '@electric-sql/pglite';
import { createLogger, openPostgres } from '@kpay/runtime';
import { createTestDatabase, testServerUrls } from '@kpay/testkit';
import { Kysely, PGliteDialect, sql } from 'kysely';
import { createLedger, type Ledger, type LedgerSchema, migrateLedger } from '../src/index.ts';

export interface TestLedger extends Ledger {
  /** The ledger's time. */
  now(): Date;
  /** Lets it go on by this much. */
  passMs(ms: number): void;
  empty(): Promise<void>;
  close(): Promise<void>;
}

// int8 as text, as pg gives it.
const INT8 = 20;

/** A ledger with a clock that tests can push on: in memory, or on the run's Postgres when there is one. */
export async function openTestLedger(): Promise<TestLedger> {
  const { db, close } = await openDatabase();
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
      for (const table of ['transfer_events', 'attempts', 'transfers', 'pauses', 'wallets', 'accounts', 'sinks']) {
        await sql`delete from kpay.${sql.raw(table)}`.execute(db);
      }
    },
    close,
  });
}

async function openDatabase(): Promise<{ db: Kysely<LedgerSchema>; close: () => Promise<void> }> {
  const servers = testServerUrls();
  if (!servers) {
    const pglite = await PGlite.create({ parsers: { [INT8]: (text: string) => text } });
    const db = new Kysely<LedgerSchema>({ dialect: new PGliteDialect({ pglite }) });
    return { db, close: () => db.destroy() };
  }
  const own = await createTestDatabase(servers.postgresUrl);
  const database = await openPostgres({ url: own.url, logger: createLogger({ name: 'test', level: 'fatal' }) });
  const close = async () => {
    await database.close();
    await own.drop();
  };
  return { db: database.kysely<LedgerSchema>(), close };
}
