import { PGlite } from '@electric-sql/pglite';
import { Kysely, PGliteDialect, sql } from 'kysely';
import { createLedger, type Ledger, type LedgerSchema, migrateLedger } from '../src/index.ts';

export interface MemoryLedger extends Ledger {
  /** The ledger's time. */
  now(): Date;
  /** Lets it go on by this much. */
  passMs(ms: number): void;
  empty(): Promise<void>;
  close(): Promise<void>;
}

// int8 as text, as pg gives it.
const INT8 = 20;

/** A ledger in a real PostgreSQL engine in memory, with a clock that tests can push on. */
export async function openMemoryLedger(): Promise<MemoryLedger> {
  const pglite = await PGlite.create({ parsers: { [INT8]: (text: string) => text } });
  const db = new Kysely<LedgerSchema>({ dialect: new PGliteDialect({ pglite }) });
  await migrateLedger(db);
  let passed = 0;
  const now = () => new Date(Date.now() + passed);
  return {
    ...createLedger(db, now),
    now,
    passMs(ms) {
      passed += ms;
    },
    async empty() {
      passed = 0;
      await sql`truncate kpay.transfer_events, kpay.attempts, kpay.transfers, kpay.pauses, kpay.wallets, kpay.accounts`.execute(
        db,
      );
    },
    async close() {
      await db.destroy();
    },
  };
}
