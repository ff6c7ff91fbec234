import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { queuePrefix, transferQueueName } from '@kpay/producer';
import { Redis } from 'ioredis';
import pg from 'pg';
import { makeOrders } from './orders.ts';
import { openJobRunner } from './run-jobs.ts';
import { openStage, type Stage } from './stage.ts';

export interface Memory {
  transfers: number;
  /** The worker's resident size in MB. */
  beforeMb: number;
  /** The most that was seen while they waited. */
  waitingMb: number;
  redisMb: { before: number; waiting: number };
}

const WATCHED_S = 20;

/**
 * A worker with this many transfers waiting in the ledger, all of them due, under the real limit: it sweeps, hints and
 * sends all the while.
 */
export async function measureMemory(transfers: number): Promise<Memory> {
  const stage = await openStage();
  const redis = new Redis(stage.redisUrl);
  try {
    const worker = await stage.startWorker();
    const jobs = openJobRunner(stage.redisUrl, transferQueueName('default'), queuePrefix('default'));
    // The first ones bring in whatever is loaded late, and are the pattern for the rest.
    await jobs.run(makeOrders(10, 'pattern')).finally(() => jobs.close());
    await delay(3_000);
    const before = { worker: residentMb(worker.pid), redis: await redisMb(redis) };
    await multiply(stage, transfers);
    const sizes: { worker: number; redis: number }[] = [];
    for (let second = 0; second < WATCHED_S; second += 1) {
      await delay(1_000);
      sizes.push({ worker: residentMb(worker.pid), redis: await redisMb(redis) });
    }
    return {
      transfers,
      beforeMb: before.worker,
      waitingMb: Math.max(...sizes.map((size) => size.worker)),
      redisMb: { before: before.redis, waiting: Math.max(...sizes.map((size) => size.redis)) },
    };
  } finally {
    redis.disconnect();
    await stage.close();
  }
}

/** Copies one row to as many queued ones: accepting each would take minutes and weigh the same. */
async function multiply({ postgresUrl }: Stage, transfers: number): Promise<void> {
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  try {
    await client.query(
      `insert into kpay.transfers (id, account, external_id, owner, request_hash, kpay_external_id, source_country,
         destination_country, amount_minor, currency, destination_currency, min_rate, on_insufficient_funds, priority,
         state, due_at, created_at, updated_at)
       select gen_random_uuid(), account, 'waiting-' || n, owner, request_hash, gen_random_uuid(), source_country,
         destination_country, amount_minor, currency, destination_currency, min_rate, on_insufficient_funds, priority,
         'queued', now(), now(), now()
       from (select * from kpay.transfers limit 1) pattern, generate_series(1, $1) n`,
      [transfers],
    );
    await client.query('analyze kpay.transfers');
  } finally {
    await client.end();
  }
}

function residentMb(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1_024;
}

async function redisMb(redis: Redis): Promise<number> {
  const [, bytes] = /^used_memory:(\d+)/m.exec(await redis.info('memory')) ?? [];
  return Number(bytes) / 1_024 / 1_024;
}
