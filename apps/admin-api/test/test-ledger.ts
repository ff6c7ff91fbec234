import { createLogger, type EmbeddedDatabase, openEmbeddedDatabase, openPostgres } from '@kpay/runtime';
import { createTestDatabase, embeddedDataFolder, keepLog, testServerUrls } from '@kpay/testkit';
import { createLedger, type Ledger, type LedgerSchema, migrateLedger } from '@kpay/transfers';

export const logger = createLogger({ name: 'test', destination: keepLog('ledger') });

export interface TestLedger {
  ledger: Ledger;
  empty(): Promise<void>;
  stop(): Promise<void>;
  remove(): void;
}

/** An embedded ledger as `kpay up` uses it, in its own folder. */
export async function openTestLedger(): Promise<TestLedger & { database: EmbeddedDatabase; folder: string }> {
  const folder = await embeddedDataFolder();
  const database = await openEmbeddedDatabase({ dataDir: folder.path, logger });
  const db = database.kysely<LedgerSchema>();
  await migrateLedger(db);
  return {
    database,
    folder: folder.path,
    ledger: createLedger(db),
    async empty() {
      await database.pool.query('truncate kpay.transfer_events, kpay.attempts, kpay.transfers, kpay.api_keys');
    },
    stop: () => database.close(),
    remove: folder.remove,
  };
}

/** A ledger on Postgres, for tests that need two sessions. @throws when KPAY_TEST_STORES provides no servers. */
export async function openPostgresLedger(): Promise<TestLedger> {
  const { url, drop } = await createTestDatabase(testServerUrls()?.postgresUrl ?? '');
  const database = await openPostgres({ url, logger });
  const db = database.kysely<LedgerSchema>();
  await migrateLedger(db);
  const stop = async () => {
    await database.close();
    await drop();
  };
  return { ledger: createLedger(db), empty: async () => {}, stop, remove: () => {} };
}

/** A ledger whose every use is an error, for requests that must be served without it. */
export function forbiddenLedger(): TestLedger {
  const refuse = (): never => {
    throw new Error('the ledger was asked for what it need not be');
  };
  const ledger: Ledger = {
    get db() {
      return refuse();
    },
    transaction: refuse,
    statement: refuse,
    batchDelay: refuse,
  };
  return { ledger, empty: async () => {}, stop: async () => {}, remove: () => {} };
}
