import { InvalidSettings, openKpayAccount } from '@kpay/core';
import { createRedisStores } from '@kpay/core/redis';
import { createCallWatchers, createMetricsRegistry, openRedis, runProcess } from '@kpay/runtime';
import { containStrayErrors, loadPlugins } from '@kpay/transfers';
import { startExporter } from './start-exporter.ts';

await runProcess(
  'exporter',
  process.env,
  async ({ settings, logger, shutdown }) => {
    const plugins = await loadPlugins(settings.plugins);
    containStrayErrors(plugins, (plugin, error) => logger.error({ err: error, plugin }, 'a plugin left an error behind'));
    const { redisUrl, host, ports, budgetWindowMs } = settings;
    const redis = await openRedis({ url: redisUrl, role: 'producer', logger });
    shutdown.push('redis', () => redis.disconnect());

    const registry = createMetricsRegistry();
    const watch = createCallWatchers(registry, logger);
    const stores = createRedisStores({ redis });
    const accounts = new Map(
      settings.accounts.map((account) => [
        account.name,
        openKpayAccount({ ...account, budgetWindowMs }, { stores, ...watch(account.name) }),
      ]),
    );
    for (const account of accounts.values()) shutdown.push(`account ${account.name}`, () => account.close());

    const exporter = await startExporter({
      accounts,
      ratePairs: new Map(settings.accounts.map(({ name, ratePairs = settings.ratePairs ?? [] }) => [name, ratePairs])),
      logger,
      host,
      port: ports.exporter,
      registry,
      plugins,
      everyMs: settings.observeEveryMs,
    });
    shutdown.push('exporter', () => exporter.close());
  },
  [InvalidSettings],
);
