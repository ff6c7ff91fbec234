import { InvalidSettings, openKpayAccount } from '@kpay/core';
import { createRedisStores } from '@kpay/core/redis';
import { createCallWatchers, createMetricsRegistry, openRedis, runProcess } from '@kpay/runtime';
import { startExporter } from './start-exporter.ts';

await runProcess(
  'exporter',
  process.env,
  async ({ settings, logger, shutdown }) => {
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
      everyMs: settings.observeEveryMs,
    });
    shutdown.push('exporter', () => exporter.close());
  },
  [InvalidSettings],
);
