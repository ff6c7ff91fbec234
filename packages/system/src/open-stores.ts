import { join } from 'node:path';
import { createMemoryStores, type Stores as KpayStores } from '@kpay/core';
import { createRedisStores } from '@kpay/core/redis';
import { openLedger, prepareLedger } from '@kpay/ledger';
import { openEmbeddedDatabase, openPostgres, openQueues, openRedis, type Queues } from '@kpay/runtime';
import { createLedger, type Ledger } from '@kpay/transfers';
import { createFileEpochWitness, createRedisEpochWitness, type EpochWitness } from '@kpay/transfers/worker';
import type { Cluster, Redis } from 'ioredis';
import type { App } from './open-app.ts';
import type { ProductionSettings } from './run-app.ts';

/** The stores of a system, in either mode. */
export interface SystemStores {
  ledger: Ledger;
  queues: Queues;
  /** The witness that shows when the ledger was restored. */
  epochWitness: EpochWitness;
  /** What processes share about KPay: tokens, budget, observations. */
  kpay: KpayStores;
  /** Absent in an embedded system. */
  redis?: Redis | Cluster;
}

/** The parts of an app that its stores need. */
export type StoresOptions<OfSettings> = Pick<App, 'logger' | 'shutdown'> & { settings: OfSettings };

/**
 * Opens Postgres, brings the ledger's schema up to date, and opens Redis and the queues.
 *
 * @throws StartError, LedgerBehind, LedgerUnusable
 */
export async function openProductionStores({
  settings: { databaseUrl, redisUrl },
  logger,
  shutdown,
}: StoresOptions<Pick<ProductionSettings, 'databaseUrl' | 'redisUrl'>>): Promise<SystemStores & { redis: Redis | Cluster }> {
  const database = await openPostgres({ url: databaseUrl, logger, prepare: (each) => prepareLedger(each.kysely()) });
  shutdown.push('database', () => database.close());
  const ledger = createLedger(database.kysely());
  const redis = await openRedis({ url: redisUrl, role: 'producer', logger });
  shutdown.push('redis', () => redis.disconnect());
  const queues = await openQueues({ store: { kind: 'redis', redisUrl }, logger });
  shutdown.push('queues', () => queues.close());
  return { ledger, queues, epochWitness: createRedisEpochWitness(redis), kpay: createRedisStores({ redis }), redis };
}

/**
 * Opens the embedded database of KPAY_DATA_DIR, brings the ledger's schema up to date, and opens the queues in it.
 *
 * @throws StartError, FolderInUse, LedgerUnusable
 */
export async function openEmbeddedStores({
  settings: { dataDir },
  logger,
  shutdown,
}: StoresOptions<{ dataDir: string }>): Promise<SystemStores> {
  const database = await openEmbeddedDatabase({ dataDir, logger });
  shutdown.push('database', () => database.close());
  const ledger = await openLedger(database.kysely());
  const queues = await openQueues({ store: { kind: 'embedded', database }, logger });
  shutdown.push('queues', () => queues.close());
  return { ledger, queues, epochWitness: createFileEpochWitness(epochFile(dataDir)), kpay: createMemoryStores() };
}

/** The path of an embedded system's epoch witness. It lies beside the database, not in it. */
export function epochFile(dataDir: string): string {
  return join(dataDir, 'ledger-epoch.json');
}
