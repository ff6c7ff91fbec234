import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
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
import * as oneReplay from './migrations/0014-one-replay.ts';
import * as refusals from './migrations/0019-refusals.ts';
import * as shares from './migrations/0020-shares.ts';
import * as replays from './migrations/0021-replays.ts';
import * as growthOwed from './migrations/0030-growth-owed.ts';
import * as boundedKeys from './migrations/0031-bounded-keys.ts';
import * as lateReceipts from './migrations/0032-late-receipts.ts';
import type { LedgerSchema } from './schema.ts';

/** The migrations of a ledger, in the order of their names. */
export const ledgerMigrations: Readonly<Record<string, Migration>> = {
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
  '0014-one-replay': oneReplay,
  '0019-refusals': refusals,
  '0020-shares': shares,
  '0021-replays': replays,
  '0030-growth-owed': growthOwed,
  '0031-bounded-keys': boundedKeys,
  '0032-late-receipts': lateReceipts,
};

/** This release cannot bring the schema `kpay` up to date, or the role or the server does not allow it. */
export class LedgerUnusable extends Error {
  override readonly name = 'LedgerUnusable';

  constructor(cause: unknown) {
    super(whyUnusable(cause), { cause });
  }
}

const NO_RIGHT = '42501';
/** Codes for an extension that is not installed on the server's machine. */
const NO_EXTENSION = ['0A000', '58P01'];
// SQLSTATE classes of a server that refuses or fails, whatever the schema is: connection, read-only, resources, limits,
// locks, shutdown.
const SERVER_FAILS = /^(08|25006|53|54|55P03|57|58)/;

function whyUnusable(cause: unknown): string {
  const why = cause instanceof Error ? cause.message : String(cause);
  const code = String(Object(cause).code ?? '');
  if (code === NO_RIGHT) {
    return `the role of DATABASE_URL lacks a right to prepare the ledger (${why}): let the owner of the database run kpay migrate, or give the role CREATE on the database`;
  }
  if (NO_EXTENSION.includes(code) && why.includes('extension')) {
    return `Postgres lacks an extension that the ledger needs (${why}): install Postgres' contrib package, with pg_trgm`;
  }
  if (SERVER_FAILS.test(code)) return `Postgres refused to prepare the ledger (${why}): check DATABASE_URL and the server`;
  return `the schema kpay in the ledger's database is not a ledger of kpay-ops, or belongs to a newer release (${why}): check DATABASE_URL`;
}

/** The ledger is older than this release, and the role of DATABASE_URL may not change its schema. */
export class LedgerBehind extends Error {
  override readonly name = 'LedgerBehind';

  constructor(missing: readonly string[]) {
    super(
      `the ledger's schema is behind this release (${missing.join(', ')}), and the role of DATABASE_URL may not change it: run kpay migrate with the migrating role`,
    );
  }
}

/** Which migrations a database's schema `kpay` has, by name. */
export interface SchemaState {
  /** Migrations that this release would still run; all of them when there is no ledger yet. */
  missing: string[];
  /** Migrations of a newer release, or of another program. */
  unknown: string[];
  /** Whether a ledger exists. */
  exists: boolean;
}

/** Reads the state of the schema without changing it. */
export async function readSchemaState(db: Kysely<LedgerSchema>): Promise<SchemaState> {
  const names = Object.keys(ledgerMigrations);
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

/** Opens a ledger on a database after bringing its schema up to date. @throws LedgerUnusable, LedgerBehind */
export async function openLedger(db: Kysely<LedgerSchema>): Promise<Ledger> {
  await prepareLedger(db);
  return createLedger(db);
}

/**
 * Prepares the ledger at an app's start. An owner's role brings the schema up to date; a working role only checks that
 * it is.
 *
 * @throws LedgerBehind when the schema is older and this role may not change it.
 * @throws LedgerUnusable when the schema belongs to another program or a newer release.
 */
export async function prepareLedger(db: Kysely<LedgerSchema>): Promise<void> {
  const { missing, unknown } = await readSchemaState(db);
  if (unknown.length > 0) throw new LedgerUnusable(`unknown migrations: ${unknown.join(', ')}`);
  if (missing.length === 0) return;
  if (!(await mayMigrate(db))) throw new LedgerBehind(missing);
  await migrateLedger(db);
}

/** Whether the role owns the schema `kpay`, or may create it when there is none yet. */
async function mayMigrate(db: Kysely<LedgerSchema>): Promise<boolean> {
  const { rows } = await sql<{ may: boolean }>`select coalesce(
    (select pg_has_role(nspowner, 'USAGE') from pg_namespace where nspname = 'kpay'),
    has_database_privilege(current_database(), 'CREATE')
  ) as may`.execute(db);
  return rows[0]?.may === true;
}

// Tables that apps read and never write: the legal transitions, and the state of the schema.
const READ_ONLY = ['legal_moves', 'kysely_migration', 'kysely_migration_lock'];
// Tables whose rows are written once. So a compromised process cannot rewrite the history.
const INSERT_ONLY = ['transfer_events'];

/**
 * Gives a role the rights that the apps need and no more: no change of the schema, no update or delete of events.
 * Repeat it after each migration, because new tables come without rights. It is safe to repeat.
 *
 * @throws an Error of Postgres when the role does not exist.
 */
export async function grantWorkingRights(db: Kysely<LedgerSchema>, role: string): Promise<void> {
  const to = sql.id(role);
  await db.transaction().execute(async (trx) => {
    await sql`grant usage on schema kpay to ${to}`.execute(trx);
    await sql`revoke all on all tables in schema kpay from ${to}`.execute(trx);
    await sql`grant select, insert, update, delete on all tables in schema kpay to ${to}`.execute(trx);
    await sql`grant usage, select on all sequences in schema kpay to ${to}`.execute(trx);
    for (const table of INSERT_ONLY) await sql`revoke update, delete on ${sql.id('kpay', table)} from ${to}`.execute(trx);
    for (const table of READ_ONLY) {
      await sql`revoke insert, update, delete on ${sql.id('kpay', table)} from ${to}`.execute(trx);
    }
  });
}

// A change of a table waits until nobody reads the table, and every other request waits behind it. So a long backup
// would stop every send. Therefore it waits only a moment, lets the others go on, and tries again.
const LOCK_WITHIN_MS = 2_000;
const LOCK_AGAIN_MS = 5_000;
const LOCK_TRIES = 500;
/** In use, or rolled back to resolve a deadlock with another user of the table. */
const NOT_FREE = ['55P03', '40P01'];

const waitingBriefly = Object.fromEntries(
  Object.entries(ledgerMigrations).map(([name, { up }]): [string, Migration] => [
    name,
    {
      async up(db) {
        await sql`select set_config('lock_timeout', ${sql.lit(String(LOCK_WITHIN_MS))}, true)`.execute(db);
        await up(db);
      },
    },
  ]),
);

/**
 * Brings the ledger's schema `kpay` up to date, completely or not at all. Several processes may run it at once: kysely
 * takes a lock. While a table is in use for long, as by a backup, it tries again for an hour; others wait for it at
 * most 2 s at a time.
 *
 * @throws LedgerUnusable
 */
export async function migrateLedger(db: Kysely<LedgerSchema>): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(waitingBriefly) },
    migrationTableSchema: 'kpay',
  });
  for (let tries = 1; ; tries += 1) {
    const { error } = await migrator.migrateToLatest();
    if (!error) return;
    if (!NOT_FREE.includes(Object(error).code) || tries === LOCK_TRIES) throw new LedgerUnusable(error);
    await delay(LOCK_AGAIN_MS);
  }
}
