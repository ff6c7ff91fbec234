import { type Kysely, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import * as ledger from './migrations/0001-ledger.ts';
import type { LedgerSchema } from './schema.ts';

const migrations = { '0001-ledger': ledger };

/** Brings the ledger's schema up to date. Safe to run from several processes at once: kysely takes a lock for it. */
export async function migrateLedger(db: Kysely<LedgerSchema>): Promise<void> {
  await sql`create schema if not exists kpay`.execute(db);
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(migrations) },
    migrationTableSchema: 'kpay',
  });
  const { error } = await migrator.migrateToLatest();
  if (error) throw error;
}
