import type { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { createLedger, type Ledger } from './ledger.ts';
import * as ledger from './migrations/0001-ledger.ts';
import * as breakerAndReplay from './migrations/0002-breaker-and-replay.ts';
import * as restore from './migrations/0003-restore.ts';
import * as plugins from './migrations/0004-plugins.ts';
import * as holding from './migrations/0005-holding.ts';
import * as apiKeys from './migrations/0006-api-keys.ts';
import * as quotes from './migrations/0007-quotes.ts';
import * as keyLimits from './migrations/0008-key-limits.ts';
import type { LedgerSchema } from './schema.ts';

const migrations = {
  '0001-ledger': ledger,
  '0002-breaker-and-replay': breakerAndReplay,
  '0003-restore': restore,
  '0004-plugins': plugins,
  '0005-holding': holding,
  '0006-api-keys': apiKeys,
  '0007-quotes': quotes,
  '0008-key-limits': keyLimits,
};

/** The schema `kpay` is not one that this release can bring up to date. */
export class LedgerUnusable extends Error {
  override readonly name = 'LedgerUnusable';

  constructor(cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`the schema kpay in the ledger's database is not ours, or of a newer release (${why}): check DATABASE_URL`, { cause });
  }
}

/** Opens a ledger on a database, after bringing its schema up to date. @throws LedgerUnusable */
export async function openLedger(db: Kysely<LedgerSchema>): Promise<Ledger> {
  await migrateLedger(db);
  return createLedger(db);
}

/**
 * Brings the ledger's schema `kpay` up to date.
 * Safe to run from several processes at once: kysely takes a lock for it.
 *
 * @throws LedgerUnusable
 */
export async function migrateLedger(db: Kysely<LedgerSchema>): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(migrations) },
    migrationTableSchema: 'kpay',
  });
  const { error } = await migrator.migrateToLatest();
  if (error) throw new LedgerUnusable(error);
}
