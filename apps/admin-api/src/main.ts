import { InvalidSettings } from '@kpay/core';
import { createRedisStores } from '@kpay/core/redis';
import { queuePrefix } from '@kpay/producer';
import {
  createCallWatchers,
  createMetricsRegistry,
  openPostgres,
  openQueues,
  openRedis,
  runProcess,
  StartError,
} from '@kpay/runtime';
import {
  advanceQueueName,
  createLedger,
  type Hint,
  hintTransfer,
  type LedgerSchema,
  LedgerUnusable,
  migrateLedger,
  openAccounts,
} from '@kpay/transfers';
import { startAdminApi } from './start-admin-api.ts';

await runProcess(
  'admin-api',
  process.env,
  async ({ settings, logger, shutdown }) => {
    const { databaseUrl, redisUrl, host, ports, adminToken } = settings;
    if (adminToken === undefined) throw new StartError('KPAY_ADMIN_TOKEN is not set: nobody could use the admin API');
    const database = await openPostgres({ url: databaseUrl, logger });
    shutdown.push('database', () => database.close());
    const db = database.kysely<LedgerSchema>();
    await migrateLedger(db);
    const ledger = createLedger(db);

    const redis = await openRedis({ url: redisUrl, role: 'producer', logger });
    shutdown.push('redis', () => redis.disconnect());
    const queues = await openQueues({ store: { redisUrl }, logger });
    shutdown.push('queues', () => queues.close());

    const accounts = await openAccounts(settings.accounts, {
      ledger,
      stores: createRedisStores({ redis }),
      budgetWindowMs: settings.budgetWindowSeconds * 1_000,
      watch: createCallWatchers(createMetricsRegistry(), logger),
    });
    for (const account of accounts.values()) shutdown.push(`account ${account.name}`, () => account.close());

    const hints = new Map(
      [...accounts.keys()].map((name) => [name, queues.queue<Hint>(advanceQueueName(name), { prefix: queuePrefix(name) })]),
    );
    const api = await startAdminApi({
      ledger,
      accounts,
      adminToken,
      logger,
      host,
      port: ports.adminApi,
      async hint(transfer) {
        const queue = hints.get(transfer.account);
        if (queue) await hintTransfer(queue, transfer);
      },
    });
    shutdown.push('admin API', () => api.close());
  },
  [InvalidSettings, LedgerUnusable],
);
