import { createLogger, createShutdown, FolderInUse, readSettings, type Settings, StartError, secretsOf } from '@kpay/runtime';
import { openEmbeddedStores, openProductionStores } from '@kpay/system';
import { createMaintenance, type Maintenance } from '@kpay/transfers/operations';
import { findAdminToken } from './admin-token.ts';
import { maintainByApi } from './maintain-by-api.ts';

const RELEASE_WITHIN_MS = 6_000;

/**
 * Does something to the whole system: in production on Postgres and Redis themselves, embedded on the data folder, or,
 * while another process has that, through its API.
 *
 * @throws StartError when neither can be reached.
 */
export async function withMaintenance<T>(env: NodeJS.ProcessEnv, use: (maintenance: Maintenance) => Promise<T>): Promise<T> {
  const settings = readSettings(env);
  const logger = createLogger({ name: 'kpay', level: 'error', secrets: secretsOf(settings) });
  const shutdown = createShutdown({ logger, deadlineMs: RELEASE_WITHIN_MS });
  try {
    const { ledger, epochWitness, queues } =
      settings.mode === 'production'
        ? await openProductionStores({ settings, logger, shutdown })
        : await openEmbeddedStores({ settings, logger, shutdown });
    const accounts = settings.accounts.length === 0 ? ['default'] : settings.accounts.map(({ name }) => name);
    return await use(createMaintenance({ ledger, epochWitness, accounts, openQueue: queues.queue }));
  } catch (error) {
    if (!(error instanceof FolderInUse)) throw error;
    return use(maintainByApi(apiOf(settings)));
  } finally {
    await shutdown.run();
  }
}

/** Where the process that has the data folder serves its API. @throws StartError when nobody can know. */
export function apiOf({ host, ports, dataDir, adminToken }: Settings): { url: string; token: string } {
  if (ports.adminApi === 0) {
    throw new StartError('kpay is running on this data folder: set ADMIN_API_PORT to the port of its API, to go through it');
  }
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return { url: `http://${reachable}:${ports.adminApi}`, token: adminToken ?? findAdminToken(dataDir) };
}
