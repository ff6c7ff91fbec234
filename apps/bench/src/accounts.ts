import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { queuePrefix, TRANSFER_JOB, transferQueueName } from '@kpay/producer';
import { simulatorApiKey, simulatorSecretKey } from '@kpay/simulator';
import { temporaryFolder } from '@kpay/testkit';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { countConnections } from './count-connections.ts';
import { cpuTimeMs } from './cpu-time.ts';
import { makeOrders } from './orders.ts';
import { residentMb } from './resident-mb.ts';
import { openStage, type Stage } from './stage.ts';

/** The cost of a worker that serves a part of the accounts. */
export interface PartitionCost {
  accounts: number;
  /** From its start until intake is open. */
  startS: number;
  residentMb: number;
  connections: { postgres: number; redis: number };
}

export interface Partitions {
  workers: PartitionCost[];
  /** Seconds from the first job until each account has moved its transfer. */
  movedS: number;
  /** Processor time when idle, as a share of one processor. */
  idle: Readonly<Record<'workers' | 'postgres' | 'redis', number>>;
}

const MOVED_WITHIN_MS = 120_000;
const IDLE_MS = 20_000;
// Time for the last transfers' remaining work.
const SETTLES_MS = 5_000;

/**
 * Measures accounts that are split between workers by KPAY_WORKER_ACCOUNTS, on one Postgres and one Redis. All have the
 * simulator's key, so the limit is lifted: it would be one for all of them.
 */
export async function measurePartitions(accounts: number, workers: number): Promise<Partitions> {
  const stage = await openStage();
  const folder = temporaryFolder();
  try {
    await stage.control('POST', 'limit', { limit: 1_000_000 });
    const names = Array.from({ length: accounts }, (_, index) => `shop-${index}`);
    const file = join(folder.path, 'accounts.json');
    const keys = { apiKey: simulatorApiKey, secretKey: simulatorSecretKey };
    writeFileSync(file, JSON.stringify({ accounts: names.map((name) => ({ name, ...keys })) }));

    const started: { pid: number; accounts: number; startS: number }[] = [];
    for (let part = 0; part < workers; part += 1) {
      const served = names.filter((_, index) => index % workers === part);
      const beganMs = performance.now();
      const { pid } = await stage.startWorker({
        KPAY_ACCOUNTS_FILE: file,
        KPAY_WORKER_ACCOUNTS: served.join(','),
        KPAY_RATE_LIMIT_PER_MINUTE: '100000',
        KPAY_BUDGET_WINDOW_SECONDS: '1',
      });
      started.push({ pid, accounts: served.length, startS: (performance.now() - beganMs) / 1_000 });
    }
    const movedS = await moveOneOfEach(stage, names);
    await delay(SETTLES_MS);
    const idle = await watchIdle(stage, started);
    const ports = { postgres: portOf(stage.postgresUrl), redis: portOf(stage.redisUrl) };
    return {
      movedS,
      idle,
      workers: started.map(({ pid, ...worker }) => ({
        ...worker,
        residentMb: residentMb(pid),
        connections: { postgres: countConnections(pid, ports.postgres), redis: countConnections(pid, ports.redis) },
      })),
    };
  } finally {
    await stage.close();
    folder.remove();
  }
}

/**
 * Puts a job into each account's queue. @returns the seconds until each account has a succeeded transfer in the ledger.
 */
async function moveOneOfEach(stage: Stage, names: readonly string[]): Promise<number> {
  const connection = new Redis(stage.redisUrl, { maxRetriesPerRequest: null });
  const ledger = new pg.Client({ connectionString: stage.postgresUrl });
  await ledger.connect();
  try {
    const beganMs = performance.now();
    const orders = makeOrders(names.length, 'one');
    for (const [index, name] of names.entries()) {
      const queue = new Queue(transferQueueName(name), { connection, prefix: queuePrefix(name) });
      await queue.add(TRANSFER_JOB, orders[index]);
      await queue.close();
    }
    for (;;) {
      const { rows } = await ledger.query<{ state: string; accounts: number }>(
        'select state, count(distinct account)::int as accounts from kpay.transfers group by state',
      );
      if (rows.some(({ state, accounts }) => state === 'succeeded' && accounts === names.length)) break;
      if (performance.now() - beganMs > MOVED_WITHIN_MS) throw new Error(`not all moved: ${JSON.stringify(rows)}`);
      await delay(100);
    }
    return (performance.now() - beganMs) / 1_000;
  } finally {
    await ledger.end();
    connection.disconnect();
  }
}

async function watchIdle({ pids }: Stage, workers: readonly { pid: number }[]): Promise<Partitions['idle']> {
  const read = () => ({
    workers: workers.reduce((sum, { pid }) => sum + cpuTimeMs(pid), 0),
    postgres: cpuTimeMs(pids.postgres),
    redis: cpuTimeMs(pids.redis),
  });
  const before = read();
  await delay(IDLE_MS);
  const after = read();
  const share = (of: keyof typeof before) => (after[of] - before[of]) / IDLE_MS;
  return { workers: share('workers'), postgres: share('postgres'), redis: share('redis') };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
