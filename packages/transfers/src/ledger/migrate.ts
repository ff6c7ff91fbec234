import { type Kysely, sql } from 'kysely';
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
import * as traces from './migrations/0009-traces.ts';
import * as lists from './migrations/0010-lists.ts';
import * as reservedSoFar from './migrations/0011-reserved-so-far.ts';
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
  '0009-traces': traces,
  '0010-lists': lists,
  '0011-reserved-so-far': reservedSoFar,
};

/** The schema `kpay` is not one that this release can bring up to date. */
export class LedgerUnusable extends Error {
  override readonly name = 'LedgerUnusable';

  constructor(cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`the schema kpay in the ledger's database is not ours, or of a newer release (${why}): check DATABASE_URL`, { cause });
  }
}

/** How far a database's schema `kpay` has come, by the names of migrations. */
export interface SchemaState {
  /** What this release would still do; everything when there is no ledger yet. */
  missing: string[];
  /** What a newer release, or somebody else, has done. */
  unknown: string[];
  /** Whether there is a ledger at all. */
  exists: boolean;
}

/** Looks at the schema and changes nothing. */
export async function lookAtSchema(db: Kysely<LedgerSchema>): Promise<SchemaState> {
  const names = Object.keys(migrations);
  const table = await sql<{ found: boolean }>`select to_regclass('kpay.kysely_migration') is not null as found`.execute(db);
  if (!table.rows[0]?.found) return { missing: names, unknown: [], exists: false };
  const { rows } = await sql<{ name: string }>`select name from kpay.kysely_migration`.execute(db);
  const done = new Set(rows.map(({ name }) => name));
  return {
    missing: names.filter((name) => !done.has(name)),
    unknown: [...done].filter((name) => !names.includes(name)),
    exists: true,
  };
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
