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
  StartError,
} from '@kpay/runtime';
import { createLedger } from '@kpay/transfers';
import {
  changeKeys,
  containStrayErrors,
  createAdvanceNotifiers,
  createRedisEpochWitness,
  loadPlugins,
  openAccounts,
  readAccountRules,
} from '@kpay/transfers/worker';
import { openBoardQueues } from './queue-board.ts';
import { startAdminApi } from './start-admin-api.ts';

/** Runs the admin API as a process of its own until a signal stops it. */
export function runAdminApi(env: NodeJS.ProcessEnv): Promise<never> {
  return runProcess(
    'admin-api',
    env,
    async ({ settings, logger, shutdown, onNewKeys }) => {
      const { databaseUrl, redisUrl, host, ports, adminToken } = settings;
      if (adminToken === undefined) throw new StartError('KPAY_ADMIN_TOKEN is not set: nobody could use the admin API');
      const web = settings.webConfigFile === undefined ? undefined : readWebConfig(settings.webConfigFile);
      const plugins = await loadPlugins(settings.plugins);
      containStrayErrors(plugins, (plugin, error) => logger.error({ err: error, plugin }, 'unhandled error in a plugin'));
      const database = await openPostgres({ url: databaseUrl, logger, prepare: (each) => prepareLedger(each.kysely()) });
      shutdown.push('database', () => database.close());
      const ledger = createLedger(database.kysely());

      const redis = await openRedis({ url: redisUrl, role: 'producer', logger });
      shutdown.push('redis', () => redis.disconnect());
      const queues = await openQueues({ store: { kind: 'redis', redisUrl }, logger });
      shutdown.push('queues', () => queues.close());

      const registry = createMetricsRegistry();
      const accounts = await openAccounts(settings.accounts, {
        ledger,
        stores: createRedisStores({ redis }),
        budgetWindowMs: settings.budgetWindowMs,
        maxAgeMs: settings.observeEveryMs,
        ipv4Only: settings.ipv4Only,
        watch: createCallWatchers(registry, logger),
      });
      shutdown.push('accounts', () => Promise.all([...accounts.values()].map((account) => account.close())));
      onNewKeys((account) => changeKeys(ledger, accounts, account, settings.budgetWindowMs));

      const api = await startAdminApi({
        ledger,
        epochWitness: createRedisEpochWitness(redis),
        accounts,
        plugins,
        rules: readAccountRules(settings.accounts),
        adminToken,
        keysSecret: settings.keysSecret,
        oidc: settings.oidc,
        requestsPerMinute: settings.apiRequestsPerMinute,
        redis,
        registry,
        web,
        logger,
        host,
        corsOrigins: settings.corsOrigins,
        keepAliveMs: settings.httpKeepAliveMs,
        port: ports.adminApi,
        hint: createAdvanceNotifiers(accounts.keys(), queues.queue),
        queues: openBoardQueues(accounts.keys(), queues.queue),
      });
      shutdown.push('admin API', () => api.close());
    },
    [InvalidSettings, LedgerBehind, LedgerUnusable],
  );
}
