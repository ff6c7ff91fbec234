import { StartError } from '@kpay/runtime';
import { openProductionStores, openSystem, runApp, type System } from '@kpay/system';
import type { Maintenance } from '@kpay/transfers/operations';
import { createAdvanceNotifiers } from '@kpay/transfers/worker';
import { openBoardQueues } from './queue-board.ts';
import { type RunningAdminApi, startAdminApi } from './start-admin-api.ts';

/** Runs the admin API as a separate process until a signal stops it. */
export function runAdminApi(env: NodeJS.ProcessEnv): Promise<never> {
  return runApp('admin-api', env, async (app) => {
    const { adminToken } = app.settings;
    if (adminToken === undefined) throw new StartError('KPAY_ADMIN_TOKEN is not set: nobody could use the admin API');
    await openAdminApi(await openSystem(app, await openProductionStores(app)), { adminToken });
  });
}

/**
 * Starts the admin API of a system. The system's shutdown closes it.
 *
 * @param maintenance set where only this process can reach the stores.
 * @throws as startAdminApi.
 */
export async function openAdminApi(
  system: System,
  { adminToken, maintenance }: { adminToken: string; maintenance?: Maintenance },
): Promise<RunningAdminApi> {
  const { settings, shutdown, accounts, queues } = system;
  const api = await startAdminApi({
    ...system,
    adminToken,
    ...(maintenance && { maintenance }),
    keysSecret: settings.keysSecret,
    oidc: settings.oidc,
    requestsPerMinute: settings.apiRequestsPerMinute,
    corsOrigins: settings.corsOrigins,
    keepAliveMs: settings.httpKeepAliveMs,
    host: settings.host,
    port: settings.ports.adminApi,
    notifyWorkers: createAdvanceNotifiers(accounts.keys(), queues.queue),
    queues: openBoardQueues(accounts.keys(), queues.queue),
  });
  shutdown.push('admin API', () => api.close());
  return api;
}
