import { InvalidSettings } from '@kpay/core';
import { createRedisStores } from '@kpay/core/redis';
import { LedgerBehind, LedgerUnusable, prepareLedger } from '@kpay/ledger';
import {
  createCallWatchers,
  createMetricsRegistry,
  openPostgres,
  openQueues,
  openRedis,
  readWebConfig,
  runProcess,
} from '@kpay/runtime';
import { createLedger } from '@kpay/transfers';
import {
  changeKeys,
  containStrayErrors,
  createRedisEpochWitness,
  loadPlugins,
  openAccounts,
  readAccountRules,
} from '@kpay/transfers/worker';
import { startWorker } from './start-worker.ts';

/** Runs the worker as a process of its own until a signal stops it. */
export function runWorker(env: NodeJS.ProcessEnv): Promise<never> {
  return runProcess(
    'worker',
    env,
    async ({ settings, logger, shutdown, onNewKeys }) => {
      const plugins = await loadPlugins(settings.plugins);
      containStrayErrors(plugins, (plugin, error) => logger.error({ err: error, plugin }, 'unhandled error in a plugin'));
      const { databaseUrl, redisUrl, host, ports, workerAccounts, webConfigFile } = settings;
      const web = webConfigFile === undefined ? undefined : readWebConfig(webConfigFile);
      const database = await openPostgres({ url: databaseUrl, logger, prepare: (each) => prepareLedger(each.kysely()) });
      shutdown.push('database', () => database.close());
      const ledger = createLedger(database.kysely());

      const redis = await openRedis({ url: redisUrl, role: 'producer', logger });
      shutdown.push('redis', () => redis.disconnect());
      const queues = await openQueues({ store: { kind: 'redis', redisUrl }, logger });
      shutdown.push('queues', () => queues.close());

      const registry = createMetricsRegistry();
      const accounts = await openAccounts(
        settings.accounts.filter(({ name }) => workerAccounts?.includes(name) ?? true),
        {
          ledger,
          stores: createRedisStores({ redis }),
          budgetWindowMs: settings.budgetWindowMs,
          maxAgeMs: settings.observeEveryMs,
          ipv4Only: settings.ipv4Only,
          watch: createCallWatchers(registry, logger),
        },
      );
      shutdown.push('accounts', () => Promise.all([...accounts.values()].map((account) => account.close())));
      onNewKeys((account) => changeKeys(ledger, accounts, account, settings.budgetWindowMs));

      const worker = await startWorker({
        ledger,
        epochWitness: createRedisEpochWitness(redis),
        accounts,
        allAccounts: settings.accounts.map(({ name }) => name),
        queues,
        logger,
        registry,
        web,
        host,
        port: ports.worker,
        concurrency: settings.workerConcurrency,
        conflictConfirmMs: settings.conflictConfirmMs,
        rules: readAccountRules(settings.accounts),
        plugins,
        observeEveryMs: settings.observeEveryMs,
      });
      shutdown.push('worker', () => worker.close());
    },
    [InvalidSettings, LedgerBehind, LedgerUnusable],
  );
}
