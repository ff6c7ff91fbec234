import { openBoardQueues, startAdminApi } from '@kpay/admin-api';
import { createMemoryStores } from '@kpay/core';
import { startExporter } from '@kpay/exporter';
import { openLedger } from '@kpay/ledger';
import {
  type AccountSettings,
  createCallWatchers,
  createLogger,
  createMetricsRegistry,
  createShutdown,
  notListening,
  onSignals,
  openEmbeddedDatabase,
  openQueues,
  readSettings,
  readWebConfig,
  type Settings,
  StartError,
  secretsOf,
  tellProxy,
  watchKeys,
} from '@kpay/runtime';
import { createSimulator, simulatorApiKey, simulatorSecretKey } from '@kpay/simulator';
import { createMaintenance } from '@kpay/transfers/operations';
import {
  changeKeys,
  containStrayErrors,
  createAdvanceNotifiers,
  createFileEpochWitness,
  loadPlugins,
  openAccounts,
  readAccountRules,
} from '@kpay/transfers/worker';
import { startWorker } from '@kpay/worker';
import { Registry } from 'prom-client';
import { findAdminToken } from './admin-token.ts';
import { runDemo } from './demo.ts';
import { epochFile } from './open-maintenance.ts';
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
    const running = await startEverything(settings, { env, secrets, logger, shutdown });
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

interface Parts {
  env: NodeJS.ProcessEnv;
  secrets: Set<string>;
  logger: ReturnType<typeof createLogger>;
  shutdown: ReturnType<typeof createShutdown>;
}

async function startEverything(settings: Settings, { env, secrets, logger, shutdown }: Parts): Promise<Running> {
  tellProxy(settings.accounts, logger);
  const { dataDir, host, ports, webConfigFile } = settings;
  const web = webConfigFile === undefined ? undefined : readWebConfig(webConfigFile);
  const plugins = await loadPlugins(settings.plugins);
  containStrayErrors(plugins, (plugin, error) => logger.error({ err: error, plugin }, 'unhandled error in a plugin'));
  const database = await openEmbeddedDatabase({ dataDir, logger });
  shutdown.push('database', () => database.close());
  const adminToken = settings.adminToken ?? findAdminToken(dataDir);

  const ledger = await openLedger(database.kysely());
  const queues = await openQueues({ store: { kind: 'embedded', database }, logger });
  shutdown.push('queues', () => queues.close());

  const simulator = settings.accounts.length === 0 ? await openSimulator(settings) : undefined;
  if (simulator) shutdown.push('simulator', () => simulator.close());
  const listed = simulator ? [simulatorAccount(simulator.url, settings)] : settings.accounts;

  const rules = readAccountRules(listed);

  const registry = createMetricsRegistry();
  const accounts = await openAccounts(listed, {
    ledger,
    stores: createMemoryStores(),
    budgetWindowMs: settings.budgetWindowMs,
    maxAgeMs: settings.observeEveryMs,
    ipv4Only: settings.ipv4Only,
    watch: createCallWatchers(registry, logger),
  });
  shutdown.push('accounts', () => Promise.all([...accounts.values()].map((account) => account.close())));
  const take = (account: AccountSettings) => changeKeys(ledger, accounts, account, settings.budgetWindowMs);
  shutdown.push('keys', watchKeys({ env, accounts: settings.accounts, secrets, logger, take }));

  const epochWitness = createFileEpochWitness(epochFile(dataDir));
  const worker = await startWorker({
    ledger,
    epochWitness,
    accounts,
    queues,
    logger,
    // The process' own metrics are in the exporter's.
    registry: new Registry(),
    web,
    host,
    port: ports.worker,
    concurrency: settings.workerConcurrency,
    conflictConfirmMs: settings.conflictConfirmMs,
    rules,
    plugins,
    observeEveryMs: settings.observeEveryMs,
  });
  shutdown.push('worker', () => worker.close());

  const exporter = await startExporter({
    accounts,
    ratePairs: new Map(listed.map(({ name, ratePairs = settings.ratePairs ?? DEFAULT_RATE_PAIRS }) => [name, ratePairs])),
    ledger,
    logger,
    web,
    host,
    port: ports.exporter,
    registry,
    plugins,
    everyMs: settings.observeEveryMs,
  });
  shutdown.push('exporter', () => exporter.close());

  const api = await startAdminApi({
    ledger,
    epochWitness,
    accounts,
    plugins,
    rules,
    adminToken,
    keysSecret: settings.keysSecret,
    oidc: settings.oidc,
    requestsPerMinute: settings.apiRequestsPerMinute,
    registry: new Registry(),
    web,
    logger,
    host,
    corsOrigins: settings.corsOrigins,
    keepAliveMs: settings.httpKeepAliveMs,
    port: ports.adminApi,
    hint: createAdvanceNotifiers(accounts.keys(), queues.queue),
    queues: openBoardQueues(accounts.keys(), queues.queue),
    maintenance: createMaintenance({ ledger, epochWitness, accounts: [...accounts.keys()], openQueue: queues.queue }),
  });
  shutdown.push('admin API', () => api.close());
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
    return await createSimulator({
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
