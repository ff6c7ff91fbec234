import { join } from 'node:path';
import type { KpayAccount } from '@kpay/core';
import { queuePrefix, TRANSFER_JOB, type TransferJobData, type TransferJobResult, transferQueueName } from '@kpay/producer';
import {
  createLogger,
  type Database,
  type Logger,
  openEmbeddedDatabase,
  openPostgres,
  openQueues,
  openRedis,
  type QueueStore,
} from '@kpay/runtime';
import { createSimulator, type Simulator, simulatorApiKey, simulatorSecretKey } from '@kpay/simulator';
import { createTestDatabase, embeddedDataFolder, emptyTestRedis, keepLog, rememberSecret, testServerUrls } from '@kpay/testkit';
import { createLedger, findTransfer, type Ledger, type LedgerSchema, migrateLedger, type TransferRow } from '@kpay/transfers';
import {
  type AdvanceJob,
  advanceQueueName,
  createFileEpochWitness,
  createRedisEpochWitness,
  type EpochWitness,
  openAccount,
} from '@kpay/transfers/worker';
import type { Job, JobsOptions, Queue, Worker } from 'bullmq';
import { Registry } from 'prom-client';
import { type RunningWorker, startWorker } from '../src/index.ts';
import type { ObservationPace } from '../src/watch-held.ts';

type TransferJob = Job<unknown, TransferJobResult>;

const JOB_ENDS_WITHIN_MS = 15_000;

/** A worker with a real BullMQ, a real ledger and a simulated KPay. */
export interface WorkerStage {
  ledger: Ledger;
  epochWitness: EpochWitness;
  simulator: Simulator;
  account: KpayAccount;
  advanceQueue: Queue<AdvanceJob>;
  /** Processes advance jobs instead of the worker, one at a time. Close it before the stage. */
  takeAdvanceJobs(process: (job: Job<AdvanceJob>) => Promise<void>): Worker;
  /** The Redis of the queues; undefined when they are embedded. */
  redisUrl: string | undefined;
  /** The embedded database and its folder; undefined on servers. */
  embedded: { dataDir: string; maintain(): Promise<void> } | undefined;
  /** Puts data into the transfer queue as any BullMQ client can, without our producer. */
  add(data: unknown, options?: JobsOptions): Promise<TransferJob>;
  /** Resolves with the job's result; rejects with the reason of its failure. */
  result(job: TransferJob): Promise<TransferJobResult>;
  /** The job as it is now. */
  read(job: TransferJob): Promise<{ state: string; job: TransferJob }>;
  find(id: string): Promise<TransferRow>;
  /** Reads the balance that the checks use from KPay now. */
  readBalance(): Promise<void>;
  /** How many callers' jobs have ended and are kept. */
  keptJobs(): Promise<{ completed: number; failed: number }>;
  /** Forgets all callers' jobs. */
  emptyDoor(): Promise<void>;
  /** Closes the queues behind the worker's back. */
  closeQueues(): Promise<void>;
  /** The worker's answer at one of its own paths. */
  askHealth(path: 'healthz' | 'readyz' | 'metrics'): Promise<{ status: number; text: string }>;
  /** The accounts for which nothing is sent yet, and why. */
  waiting(): ReadonlyMap<string, string>;
  stopWorker(): Promise<void>;
  startWorker(): Promise<void>;
  close(): Promise<void>;
}

/** CMR to GAB, 50,000 XAF. */
export function order(externalId: string): TransferJobData {
  return { externalId, sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
}

interface TestStores {
  database: Database;
  store: QueueStore;
  epochWitness: EpochWitness;
  embedded?: WorkerStage['embedded'];
  release(): Promise<void>;
}

/** Embedded, or on the run's Postgres and Redis when there are any. */
async function openStores(logger: Logger): Promise<TestStores> {
  const servers = testServerUrls();
  if (!servers) {
    const folder = await embeddedDataFolder();
    const database = await openEmbeddedDatabase({ dataDir: folder.path, logger });
    const release = async () => {
      await database.close();
      folder.remove();
    };
    const epochWitness = createFileEpochWitness(join(folder.path, 'ledger-epoch.json'));
    const embedded = { dataDir: folder.path, maintain: database.maintain };
    return { database, store: { kind: 'embedded', database }, epochWitness, embedded, release };
  }
  const own = await createTestDatabase(servers.postgresUrl);
  const database = await openPostgres({ url: own.url, logger });
  const redisUrl = await emptyTestRedis(servers.redisUrl);
  const redis = await openRedis({ url: redisUrl, role: 'producer', logger });
  const release = async () => {
    redis.disconnect();
    await database.close();
    await own.drop();
  };
  return { database, store: { kind: 'redis', redisUrl }, epochWitness: createRedisEpochWitness(redis), release };
}

/**
 * @param observeEveryMs the default pace unless given.
 * @param now the ledger's time; the database's own unless given.
 */
export async function openWorkerStage(
  observeEveryMs: ObservationPace = { balance: 30_000, rate: 600_000 },
  now?: () => Date,
  /** Further accounts besides `default`, on the same KPay. */
  openMore: (baseUrl: string) => readonly KpayAccount[] = () => [],
  settings: { keptJobs?: number } = {},
): Promise<WorkerStage> {
  const logger = createLogger({ name: 'worker', destination: keepLog('worker') });
  const simulator = await createSimulator({ port: 0, limit: 100_000 });
  const { database, store, epochWitness, embedded, release } = await openStores(logger);
  const db = database.kysely<LedgerSchema>();
  await migrateLedger(db);
  const ledger = createLedger(db, now);
  const queues = await openQueues({ store, logger });
  const prefix = queuePrefix('default');
  const door = queues.queue<unknown, TransferJobResult>(transferQueueName('default'), { prefix });
  // Each job that is waited for listens to it.
  door.setMaxListeners(0);
  const advanceQueue = queues.queue<AdvanceJob>(advanceQueueName('default'), { prefix });
  const events = queues.queueEvents(transferQueueName('default'), { prefix });
  const account = openAccount({
    name: 'default',
    apiKey: simulatorApiKey,
    secretKey: rememberSecret(simulatorSecretKey),
    baseUrl: simulator.url,
    environment: 'TEST',
    rateLimitPerMinute: 100_000,
  });
  const more = openMore(simulator.url);
  let worker: RunningWorker | undefined;

  const stage: WorkerStage = {
    ledger,
    epochWitness,
    simulator,
    account,
    advanceQueue,
    takeAdvanceJobs: (process) => queues.worker<AdvanceJob>(advanceQueueName('default'), process, { prefix, concurrency: 1 }),
    redisUrl: store.kind === 'redis' ? store.redisUrl : undefined,
    embedded,
    add: (data, options) => door.add(TRANSFER_JOB, data, options),
    result: (job) => job.waitUntilFinished(events, JOB_ENDS_WITHIN_MS),
    async read({ id = '' }) {
      const job = await door.getJob(id);
      if (!job) throw new Error(`no job ${id}`);
      return { state: await job.getState(), job };
    },
    async find(id) {
      const row = await findTransfer(ledger, id);
      if (!row) throw new Error(`no transfer ${id}`);
      return row;
    },
    async readBalance() {
      await account.observations.balance({ lane: 'checks', maxAgeMs: 0 });
    },
    async keptJobs() {
      const { completed = 0, failed = 0 } = await door.getJobCounts('completed', 'failed');
      return { completed, failed };
    },
    emptyDoor: () => door.obliterate({ force: true }),
    closeQueues: () => queues.close(),
    async askHealth(path) {
      const answer = await fetch(`${worker?.url}/${path}`);
      return { status: answer.status, text: await answer.text() };
    },
    waiting: () => worker?.waiting() ?? new Map(),
    async stopWorker() {
      await worker?.close();
      worker = undefined;
    },
    async startWorker() {
      worker = await startWorker({
        ledger,
        epochWitness,
        accounts: new Map([account, ...more].map((each) => [each.name, each])),
        queues,
        logger,
        registry: new Registry(),
        host: '127.0.0.1',
        port: 0,
        concurrency: 10,
        conflictConfirmMs: 1_000,
        observeEveryMs,
        ...settings,
      });
    },
    async close() {
      await stage.stopWorker();
      for (const each of [account, ...more]) await each.close();
      await queues.close();
      await release();
      await simulator.close();
    },
  };
  await stage.startWorker();
  return stage;
}
