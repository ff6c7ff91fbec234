import { InvalidSettingsError, type Kpay, proxyOf, type Stores } from '@kpay/core';
import { createRedisStores } from '@kpay/core/redis';
import {
  createLogger,
  type Database,
  FolderInUse,
  hasEmbeddedDatabase,
  type Logger,
  openEmbeddedDatabase,
  openQueues,
  type QueueStore,
  readSettings,
  type Settings,
  StartError,
  secretsOf,
} from '@kpay/runtime';
import { epochFile } from '@kpay/system';
import type { Ledger } from '@kpay/transfers';
import { createFileEpochWitness, createRedisEpochWitness, type EpochWitness, openAccount } from '@kpay/transfers/worker';
import { apiOf } from '../open-maintenance.ts';
import { checkAccount } from './check-account.ts';
import { checkAddress } from './check-address.ts';
import { checkBudget } from './check-budget.ts';
import { checkKpayClock, checkPostgresClock, checkRedisClock } from './check-clocks.ts';
import { checkDataFolder } from './check-data-folder.ts';
import { checkEpoch, checkLedger, checkReviews, reviewsFinding } from './check-ledger.ts';
import { checkPostgres } from './check-postgres.ts';
import { checkProxy } from './check-proxy.ts';
import { checkQueues } from './check-queues.ts';
import { checkRedis } from './check-redis.ts';
import { type Finding, finding, wrongFrom } from './finding.ts';

/**
 * Looks at everything that this environment says the apps would run on, and changes nothing of it. Each account's KPay is
 * asked once.
 */
export async function examine(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  let settings: Settings;
  try {
    settings = readSettings(env);
    for (const { baseUrl } of settings.accounts) proxyOf(env, baseUrl);
  } catch (error) {
    if (!(error instanceof StartError || error instanceof InvalidSettingsError)) throw error;
    return [wrongFrom('settings', error)];
  }
  const logger = createLogger({ name: 'kpay', level: 'silent', secrets: secretsOf(settings) });
  const mode = settings.mode === 'production' ? 'production, on Postgres and Redis' : 'embedded, in one process';
  const findings: Finding[] = [{ check: 'settings', verdict: 'good', what: mode }];
  findings.push(
    ...(settings.mode === 'production'
      ? await examineProduction(settings, logger, env)
      : await examineEmbedded(settings, logger, env)),
  );
  return findings;
}

async function examineProduction(
  settings: Extract<Settings, { mode: 'production' }>,
  logger: Logger,
  env: NodeJS.ProcessEnv,
): Promise<Finding[]> {
  const { databaseUrl, redisUrl } = settings;
  const postgres = await checkPostgres(databaseUrl, logger);
  const { redis, findings: ofRedis } = await checkRedis(redisUrl, logger);
  const { database } = postgres;
  try {
    const findings = [...postgres.findings, ...ofRedis];
    if (database) findings.push(await checkPostgresClock(database));
    if (redis) findings.push(await checkRedisClock(redis));
    const stores = redis && {
      stores: createRedisStores({ redis }),
      witness: createRedisEpochWitness(redis),
      queues: { kind: 'redis', redisUrl } as const,
    };
    findings.push(...(await examineLedger(settings, logger, database, stores, env)));
    return findings;
  } finally {
    redis?.disconnect();
    await database?.close();
  }
}

async function examineEmbedded(settings: Settings, logger: Logger, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const { dataDir } = settings;
  const folder = checkDataFolder(dataDir);
  if (folder.verdict === 'wrong' || !hasEmbeddedDatabase(dataDir))
    return [folder, ...(await examineKpay(settings, undefined, undefined, env))];
  let database: Awaited<ReturnType<typeof openEmbeddedDatabase>>;
  try {
    database = await openEmbeddedDatabase({ dataDir, logger });
  } catch (error) {
    if (!(error instanceof FolderInUse)) return [folder, wrongFrom('ledger', error)];
    return [folder, await examineRunning(settings), ...(await examineKpay(settings, undefined, undefined, env))];
  }
  try {
    const witness = createFileEpochWitness(epochFile(dataDir));
    // The budget of an embedded system is in the memory of the one process: there is nothing to look at.
    const stores = { witness, queues: { kind: 'embedded', database } } as const;
    return [folder, ...(await examineLedger(settings, logger, database, stores, env))];
  } finally {
    await database.close();
  }
}

/** Another process has the folder; what waits for a person is told by its API. */
async function examineRunning(settings: Settings): Promise<Finding> {
  return finding('reviews', async () => {
    const { url, token } = apiOf(settings);
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${url}/v1/status`, { headers }).catch((error: unknown) => {
      throw new StartError(`kpay is running on this data folder, but its API does not answer at ${url}`, {
        cause: error,
        fix: 'set ADMIN_API_PORT to the port of its API',
      });
    });
    if (answer.status !== 200) {
      throw new StartError(`the API of the running kpay at ${url} said ${answer.status}`, {
        fix: 'set KPAY_ADMIN_TOKEN to its token',
      });
    }
    const { accounts } = (await answer.json()) as { accounts: { unfinished: { state: string; count: number }[] }[] };
    const reviews = accounts.flatMap(({ unfinished }) => unfinished.filter(({ state }) => state === 'review'));
    return reviewsFinding(reviews.reduce((sum, { count }) => sum + count, 0));
  });
}

interface LedgerStores {
  /** What processes share of KPay; undefined where one process has it in its memory. */
  stores?: Stores;
  witness: EpochWitness;
  queues: QueueStore;
}

async function examineLedger(
  settings: Settings,
  logger: Logger,
  database: Database | undefined,
  shared: LedgerStores | undefined,
  env: NodeJS.ProcessEnv,
): Promise<Finding[]> {
  const skipped = (check: string, why: string): Finding => ({ check, verdict: 'skipped', what: why });
  const findings: Finding[] = [];
  let ledger: Ledger | undefined;
  if (database) {
    const checked = await checkLedger(database);
    findings.push(...checked.findings);
    ledger = checked.ledger;
  }
  const own = ledger;
  if (!own) findings.push(skipped('epoch, reviews', 'there is no ledger to look at'));
  else {
    if (shared) findings.push(await finding('epoch', () => checkEpoch(own, shared.witness)));
    findings.push(await finding('reviews', () => checkReviews(own)));
  }
  if (!shared) findings.push(skipped('queues, budget', 'there is no Redis to look at'));
  else findings.push(await examineQueues(settings, logger, shared.queues));
  findings.push(...(await examineKpay(settings, own, shared?.stores, env)));
  return findings;
}

async function examineQueues({ accounts }: Settings, logger: Logger, store: QueueStore): Promise<Finding> {
  const names = accounts.length === 0 ? ['default'] : accounts.map(({ name }) => name);
  return finding('queues', async () => {
    const queues = await openQueues({ store, logger });
    return checkQueues(queues, names).finally(() => queues.close());
  });
}

/** The way to KPay, its clock, its keys, and the budget. Without keys the simulator stands in for it, and is not asked. */
async function examineKpay(
  settings: Settings,
  ledger: Ledger | undefined,
  stores: Stores | undefined,
  env: NodeJS.ProcessEnv,
): Promise<Finding[]> {
  const { budgetWindowMs, ipv4Only } = settings;
  if (settings.accounts.length === 0) {
    return [{ check: 'kpay', verdict: 'good', what: 'no key is set: kpay up simulates KPay, and no real money moves' }];
  }
  const findings: Finding[] = [];
  for (const baseUrl of new Set(settings.accounts.map((account) => account.baseUrl))) {
    const proxy = proxyOf(env, baseUrl);
    if (!proxy) findings.push(await checkAddress(baseUrl, ipv4Only), await checkKpayClock(baseUrl));
    // A proxy that forwards may answer with a clock of its own.
    else findings.push(await checkProxy(baseUrl, proxy.url));
  }
  const byKey = Map.groupBy(settings.accounts, ({ apiKey }) => apiKey);
  for (const sharing of byKey.values()) {
    const limit = sharing[0]?.rateLimitPerMinute ?? 0;
    const opened: Kpay[] = sharing.map((account) =>
      openAccount(account, { budgetWindowMs, stores, ipv4Only, proxy: proxyOf(env, account.baseUrl)?.url ?? false }),
    );
    // Before KPay is asked: that takes a slot itself.
    if (ledger && stores)
      findings.push(await finding('budget', () => checkBudget(opened, ledger, { limit, windowMs: budgetWindowMs })));
    for (const account of opened) findings.push(await checkAccount(account, ledger));
    await Promise.all(opened.map((account) => account.close()));
  }
  return findings;
}
