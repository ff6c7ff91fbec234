import { createSimulator, type Simulator, type SimulatorOptions } from '@kpay/simulator';
import { createTestDatabase, emptyTestRedis, testServerUrls } from '@kpay/testkit';
import { onTestFinished } from 'vitest';
import { settingsFor } from './start-kpay.ts';

/** What production apps run on, until the test is over. */
export interface ProductionStage {
  simulator: Simulator;
  /** Postgres itself, for what a test does beside its database. */
  postgresUrl: string;
  databaseUrl: string;
  redisUrl: string;
  /** For startApp: the simulator's address and keys, DATABASE_URL and REDIS_URL. */
  settings: Record<string, string>;
}

/** Opens a simulator, an empty database and an empty Redis. @throws where KPAY_TEST_STORES gives no servers. */
export async function openProductionStage(options: SimulatorOptions = {}): Promise<ProductionStage> {
  const servers = testServerUrls();
  if (!servers) throw new Error('this suite needs KPAY_TEST_STORES');
  const simulator = await createSimulator({ port: 0, ...options });
  onTestFinished(() => simulator.close());
  const database = await createTestDatabase(servers.postgresUrl);
  onTestFinished(database.drop);
  const redisUrl = await emptyTestRedis(servers.redisUrl);
  const { KPAY_DATA_DIR: _, ...keys } = settingsFor(simulator, '');
  return {
    simulator,
    postgresUrl: servers.postgresUrl,
    databaseUrl: database.url,
    redisUrl,
    settings: { ...keys, DATABASE_URL: database.url, REDIS_URL: redisUrl },
  };
}
