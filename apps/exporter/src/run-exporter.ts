import { InvalidSettings, openKpayAccount } from '@kpay/core';
import { createRedisStores } from '@kpay/core/redis';
import { createCallWatchers, createMetricsRegistry, openPostgres, openRedis, readWebConfig, runProcess } from '@kpay/runtime';
import { createLedger } from '@kpay/transfers';
import { containStrayErrors, loadPlugins } from '@kpay/transfers/worker';
import { startExporter } from './start-exporter.ts';

/** Runs the exporter as a process of its own until a signal stops it. */
export function runExporter(env: NodeJS.ProcessEnv): Promise<never> {
  return runProcess(
    'exporter',
    env,
    async ({ settings, logger, shutdown, onNewKeys }) => {
      const plugins = await loadPlugins(settings.plugins);
      containStrayErrors(plugins, (plugin, error) => logger.error({ err: error, plugin }, 'unhandled error in a plugin'));
      const { databaseUrl, redisUrl, host, ports, budgetWindowMs, observeEveryMs: maxAgeMs, ipv4Only, webConfigFile } = settings;
      const web = webConfigFile === undefined ? undefined : readWebConfig(webConfigFile);
      // It only reads a few figures there: one that the migrations have not reached yet shows none.
      const database = await openPostgres({ url: databaseUrl, logger, maxClients: 2 });
      shutdown.push('database', () => database.close());
      const redis = await openRedis({ url: redisUrl, role: 'producer', logger });
      shutdown.push('redis', () => redis.disconnect());

      const registry = createMetricsRegistry();
      const watch = createCallWatchers(registry, logger);
      const stores = createRedisStores({ redis });
      const accounts = new Map(
        settings.accounts.map((account) => [
          account.name,
          openKpayAccount({ ...account, budgetWindowMs }, { stores, maxAgeMs, ipv4Only, ...watch(account.name) }),
        ]),
      );
      shutdown.push('accounts', () => Promise.all([...accounts.values()].map((account) => account.close())));

      const exporter = await startExporter({
        accounts,
        ratePairs: new Map(settings.accounts.map(({ name, ratePairs = settings.ratePairs ?? [] }) => [name, ratePairs])),
        ledger: createLedger(database.kysely()),
        logger,
        web,
        host,
        port: ports.exporter,
        registry,
        plugins,
        everyMs: settings.observeEveryMs,
      });
      shutdown.push('exporter', () => exporter.close());
      onNewKeys((account) => exporter.changeKeys(account.name, account));
    },
    [InvalidSettings],
  );
}
