import { createLogger, openPostgres } from '@kpay/runtime';
import { createTestDatabase, eventually, keepLog, testServerUrls } from '@kpay/testkit';
import { sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { expect, it, onTestFinished } from 'vitest';
import { ledgerMigrations, migrateLedger, readSchemaState } from './migrate.ts';
import type { LedgerSchema } from './schema.ts';

// Locks of tables need several sessions; the embedded database has one.

it('lets reads and writes go on while a backup blocks it, and ends after the backup', async () => {
  const { connect, db } = await olderLedger();
  const backup = await connect();
  await backup.query('begin; select count(*) from kpay.transfers');
  const migrated = migrateLedger(db);
  const other = await connect();
  await eventually(async () => {
    const { rows } = await other.query("select from pg_locks where not granted and mode = 'AccessExclusiveLock'");
    expect(rows).toHaveLength(1);
  });
  // As long as a transfer waits for a lock; without its own bound the migration would wait for the backup, and this for
  // both.
  await other.query("set lock_timeout = '4s'");
  await other.query('update kpay.transfers set priority = 5');
  expect((await other.query('select from kpay.transfers')).rowCount).toBe(0);
  await backup.query('commit');
  await migrated;
  expect(await readSchemaState(db)).toEqual({ missing: [], unknown: [], exists: true });
});

/** A ledger before a migration that changes a table in use. */
async function olderLedger() {
  const servers = testServerUrls();
  if (!servers) throw new Error('this suite needs KPAY_TEST_STORES');
  const own = await createTestDatabase(servers.postgresUrl);
  onTestFinished(own.drop);
  const database = await openPostgres({ url: own.url, logger: createLogger({ name: 'test', destination: keepLog('migrate') }) });
  onTestFinished(database.close);
  const db = database.kysely<LedgerSchema>();
  await sql`create schema if not exists kpay`.execute(db);
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(ledgerMigrations) },
    migrationTableSchema: 'kpay',
  });
  const { error } = await migrator.migrateTo('0014-one-replay');
  if (error) throw error;
  const connect = async () => {
    const client = await database.pool.connect();
    onTestFinished(() => client.release(true));
    return client;
  };
  return { connect, db };
}
