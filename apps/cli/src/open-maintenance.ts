import { join } from 'node:path';
import { openLedger, prepareLedger } from '@kpay/ledger';
import type { Database } from '@kpay/runtime';
import {
  createLogger,
  FolderInUse,
  openEmbeddedDatabase,
  openPostgres,
  openQueues,
  openRedis,
  type QueueStore,
  readSettings,
  type Settings,
  StartError,
  secretsOf,
} from '@kpay/runtime';
import { createMaintenance, type Maintenance } from '@kpay/transfers/operations';
import { createFileEpochWitness, createRedisEpochWitness, type EpochWitness } from '@kpay/transfers/worker';
import { findAdminToken } from './admin-token.ts';
import { maintainByApi } from './maintain-by-api.ts';

/** Where an embedded system keeps the copy of its ledger's epoch: beside the database, not in it. */
export function epochFile(dataDir: string): string {
  return join(dataDir, 'ledger-epoch.json');
}

/**
 * Does something to the whole system: in production on Postgres and Redis themselves, embedded on the data folder, or,
 * while another process has that, through its API.
 *
 * @throws StartError when neither can be reached.
 */
export async function withMaintenance<T>(env: NodeJS.ProcessEnv, use: (maintenance: Maintenance) => Promise<T>): Promise<T> {
  const settings = readSettings(env);
  const logger = createLogger({ name: 'kpay', level: 'error', secrets: secretsOf(settings) });
  if (settings.mode === 'production') {
    const prepare = (each: Database) => prepareLedger(each.kysely());
    const database = await openPostgres({ url: settings.databaseUrl, logger, prepare });
    try {
      const redis = await openRedis({ url: settings.redisUrl, role: 'producer', logger });
      const parts: Parts = {
        database,
        epochWitness: createRedisEpochWitness(redis),
        store: { kind: 'redis', redisUrl: settings.redisUrl },
      };
      return await onStores(settings, logger, parts, use).finally(() => redis.disconnect());
    } finally {
      await database.close();
    }
  }
  try {
    const database = await openEmbeddedDatabase({ dataDir: settings.dataDir, logger });
    const parts: Parts = {
      database,
      epochWitness: createFileEpochWitness(epochFile(settings.dataDir)),
      store: { kind: 'embedded', database },
    };
    return await onStores(settings, logger, parts, use).finally(() => database.close());
  } catch (error) {
    if (!(error instanceof FolderInUse)) throw error;
    return use(maintainByApi(apiOf(settings)));
  }
}

interface Parts {
  database: Database;
  epochWitness: EpochWitness;
  store: QueueStore;
}

async function onStores<T>(
  settings: Settings,
  logger: ReturnType<typeof createLogger>,
  { database, epochWitness, store }: Parts,
  use: (maintenance: Maintenance) => Promise<T>,
): Promise<T> {
  const ledger = await openLedger(database.kysely());
  const queues = await openQueues({ store, logger });
  const accounts = settings.accounts.length === 0 ? ['default'] : settings.accounts.map(({ name }) => name);
  return use(createMaintenance({ ledger, epochWitness, accounts, openQueue: queues.queue })).finally(() => queues.close());
}

/** Where the process that has the data folder serves its API. @throws StartError when nobody can know. */
export function apiOf({ host, ports, dataDir, adminToken }: Settings): { url: string; token: string } {
  if (ports.adminApi === 0) {
    throw new StartError('kpay is running on this data folder: set ADMIN_API_PORT to the port of its API, to go through it');
  }
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return { url: `http://${reachable}:${ports.adminApi}`, token: adminToken ?? findAdminToken(dataDir) };
}
