import { createRedisStores } from '@kpay/core/redis';
import { createCallWatchers, openPostgres, openRedis } from '@kpay/runtime';
import { runApp, type System } from '@kpay/system';
import { createLedger } from '@kpay/transfers';
import { openAccount } from '@kpay/transfers/worker';
import { type RunningExporter, startExporter } from './start-exporter.ts';

/** The parts of a system that an exporter needs. It runs without queues, and it does not migrate the ledger. */
type ExporterSystem = Omit<System, 'queues' | 'epochWitness' | 'kpay' | 'redis' | 'rules'>;

/** Runs the exporter as a separate process until a signal stops it. */
export function runExporter(env: NodeJS.ProcessEnv): Promise<never> {
  return runApp('exporter', env, async (app) => {
    const { settings, logger, shutdown, registry } = app;
    const { databaseUrl, redisUrl, budgetWindowMs, observeEveryMs: maxAgeMs, ipv4Only } = settings;
    // It reads only a few statistics. A ledger that is not migrated yet shows none.
    const database = await openPostgres({ url: databaseUrl, logger, maxClients: 2 });
    shutdown.push('database', () => database.close());
    const redis = await openRedis({ url: redisUrl, role: 'producer', logger });
    shutdown.push('redis', () => redis.disconnect());
    const options = { stores: createRedisStores({ redis }), budgetWindowMs, maxAgeMs, ipv4Only };
    const watch = createCallWatchers(registry, logger);
    const accounts = new Map(
      settings.accounts.map((account) => [account.name, openAccount(account, { ...options, ...watch(account.name) })]),
    );
    shutdown.push('accounts', () => Promise.all([...accounts.values()].map((account) => account.close())));
    const ledger = createLedger(database.kysely());
    const exporter = await openExporter({ ...app, ledger, accounts, accountSettings: settings.accounts });
    app.onNewKeys((account) => exporter.changeKeys(account.name, account));
  });
}

/**
 * Starts the exporter of a system. The system's shutdown closes it.
 *
 * @param ratePairs for accounts without pairs of their own, when KPAY_RATE_PAIRS is not set.
 * @throws as startExporter.
 */
export async function openExporter(system: ExporterSystem, ratePairs: readonly string[] = []): Promise<RunningExporter> {
  const { settings, shutdown, accountSettings } = system;
  const exporter = await startExporter({
    ...system,
    ratePairs: new Map(accountSettings.map((account) => [account.name, account.ratePairs ?? settings.ratePairs ?? ratePairs])),
    host: settings.host,
    port: settings.ports.exporter,
    everyMs: settings.observeEveryMs,
  });
  shutdown.push('exporter', () => exporter.close());
  return exporter;
}
