import { openAdminApi } from '@kpay/admin-api';
import { openExporter } from '@kpay/exporter';
import {
  type AccountSettings,
  createLogger,
  createShutdown,
  notListening,
  onSignals,
  readSettings,
  type Settings,
  StartError,
  secretsOf,
} from '@kpay/runtime';
import { simulatorApiKey, simulatorSecretKey, startSimulator } from '@kpay/simulator';
import { type App, openApp, openEmbeddedStores, openSystem } from '@kpay/system';
import { createMaintenance } from '@kpay/transfers/operations';
import { openWorker } from '@kpay/worker';
import { Registry } from 'prom-client';
import { findAdminToken } from './admin-token.ts';
import { runDemo } from './demo.ts';
import { printAddresses, printFirstSteps, type Running } from './welcome.ts';

// What is still under way after this is left to its lease: the ledger knows, and the next start goes on with it.
const STOP_WITHIN_MS = 4_000;
const RELEASE_WITHIN_MS = 2_000;
/** For how long KPay counts a request. */
const WINDOW_MS = 60_000;
const DEFAULT_RATE_PAIRS = ['XAF:XOF'];

/**
 * Runs everything in this process on the folder KPAY_DATA_DIR: worker, exporter, admin API, and a simulated KPay when
 * no key is set. Comes back when a signal stops it, or with `demo` when that is over.
 *
 * @returns the exit code.
 * @throws StartError when it cannot start; everything is released then.
 */
export async function up(env: NodeJS.ProcessEnv, { demo }: { demo: boolean }): Promise<number> {
  const settings = readSettings(env);
  if (settings.mode === 'production') {
    throw new StartError(
      'kpay up runs everything in one process: leave out DATABASE_URL and REDIS_URL, or start each app by itself (docs/deployment.md)',
    );
  }
  const secrets = new Set(secretsOf(settings));
  const logger = createLogger({ name: 'kpay', level: 'warn', secrets });
  const shutdown = createShutdown({ logger, deadlineMs: RELEASE_WITHIN_MS, withinMs: STOP_WITHIN_MS });
  const stopped = Promise.withResolvers<number>();
  shutdown.push(
    'signals',
    onSignals(() => stopped.resolve(0)),
  );
  try {
    const running = await startEverything(await openApp({ env, settings, secrets, logger, shutdown }));
    printAddresses(running);
    if (demo) {
      const { apiUrl, workerUrl, adminToken } = running;
      const succeeded = runDemo({ apiUrl, workerUrl, adminToken, print: console.log });
      return await Promise.race([succeeded.then((yes) => (yes ? 0 : 1)), stopped.promise]);
    }
    printFirstSteps(running);
    const code = await stopped.promise;
    console.log('\nStopping …');
    return code;
  } finally {
    await shutdown.run();
  }
}

async function startEverything(app: App): Promise<Running> {
  const { settings, shutdown } = app;
  const { dataDir } = settings;
  const stores = await openEmbeddedStores(app);
  const adminToken = settings.adminToken ?? findAdminToken(dataDir);
  const simulator = settings.accounts.length === 0 ? await openSimulator(settings) : undefined;
  if (simulator) shutdown.push('simulator', () => simulator.close());
  const listed = simulator ? [simulatorAccount(simulator.url, settings)] : settings.accounts;
  const system = await openSystem(app, stores, listed);
  const { ledger, epochWitness, queues, accounts } = system;

  // The process' own metrics are in the exporter's.
  const worker = await openWorker({ ...system, registry: new Registry() });
  const exporter = await openExporter(system, DEFAULT_RATE_PAIRS);
  const maintenance = createMaintenance({ ledger, epochWitness, accounts: [...accounts.keys()], openQueue: queues.queue });
  const api = await openAdminApi({ ...system, registry: new Registry() }, { adminToken, maintenance });
  return {
    apiUrl: api.url,
    exporterUrl: exporter.url,
    workerUrl: worker.url,
    simulatorUrl: simulator?.url,
    accounts,
    adminToken,
    isTokenGiven: settings.adminToken !== undefined,
    dataDir,
  };
}

/** The simulator allows what the settings say that KPay allows: no more, and in no longer window. */
async function openSimulator({ host, ports, dataDir, simulatorTimeScale: timeScale, ...settings }: Settings) {
  const windowMs = Math.min(WINDOW_MS, settings.budgetWindowMs * timeScale);
  try {
    return await startSimulator({
      host,
      port: ports.simulator,
      dataDir,
      timeScale,
      limit: settings.rateLimitPerMinute,
      windowMs,
    });
  } catch (error) {
    const { syscall = '' } = error as NodeJS.ErrnoException;
    if (!['listen', 'getaddrinfo'].includes(syscall)) throw error;
    throw notListening(error as NodeJS.ErrnoException, { port: ports.simulator, host, portSetting: 'SIMULATOR_PORT' });
  }
}

function simulatorAccount(baseUrl: string, { ratePairs, rules, rateLimitPerMinute }: Settings): AccountSettings {
  const keys = { apiKey: simulatorApiKey, secretKey: simulatorSecretKey };
  return {
    name: 'default',
    ...keys,
    baseUrl,
    environment: 'TEST',
    rateLimitPerMinute,
    ...rules,
    ...(ratePairs && { ratePairs }),
  };
}
