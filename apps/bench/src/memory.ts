import { setTimeout as delay } from 'node:timers/promises';
import { queuePrefix, transferQueueName } from '@kpay/producer';
import { Redis } from 'ioredis';
import pg from 'pg';
import { makeOrders } from './orders.ts';
import { residentMb } from './resident-mb.ts';
import { openJobRunner } from './run-jobs.ts';
import { openStage, type Stage } from './stage.ts';

export interface Memory {
  transfers: number;
  /** The worker's resident size in MB. */
  beforeMb: number;
  /** The largest size while transfers waited. */
  waitingMb: number;
  redisMb: { before: number; waiting: number };
  /** How long people waited for values that nobody had read before. */
  people: PeopleWaits[];
}

/** A person who asks the API repeatedly. */
export interface PeopleWaits {
  everyS: number;
  /** In the order of the requests. Infinite: the API gave up. */
  seconds: number[];
}

// The first minute still has unused slots from the minutes before. After that the limit is reached.
const FULL_AFTER_MS = 75_000;
// Pairs that no transfer needs, so that nothing else reads them.
const unreadPairs = ['USD', 'CDF', 'GHS', 'NGN'].flatMap((from) =>
  ['XAF', 'XOF', 'KES', 'UGX', 'RWF', 'ZMW', 'SLE'].map((to) => [from, to] as const),
);
/** Under the real limit. A scaled clock would shorten the waits as well. */
const PEOPLE = [
  { everyS: 30, reads: 2 },
  { everyS: 10, reads: 6 },
  { everyS: 3, reads: 20 },
] as const;

/**
 * Measures a worker with this many due transfers in the ledger, under the real limit and in real time. It sweeps, makes
 * advance jobs and sends all the while, and people ask for rates that nobody has read.
 */
export async function measureMemory(transfers: number): Promise<Memory> {
  const stage = await openStage();
  const redis = new Redis(stage.redisUrl);
  try {
    const worker = await stage.startWorker();
    const api = await stage.startAdminApi();
    const jobs = openJobRunner(stage.redisUrl, transferQueueName('default'), queuePrefix('default'));
    // The first ones load everything that is loaded late, and are the pattern for the rest.
    await jobs.run(makeOrders(10, 'pattern')).finally(() => jobs.close());
    await delay(3_000);
    const before = { worker: residentMb(worker.pid), redis: await redisMb(redis) };
    await multiply(stage, transfers);
    const sizes: { worker: number; redis: number }[] = [];
    const measure = async () => sizes.push({ worker: residentMb(worker.pid), redis: await redisMb(redis) });
    await delay(FULL_AFTER_MS);
    const people: PeopleWaits[] = [];
    let unread = unreadPairs;
    for (const { everyS, reads } of PEOPLE) {
      people.push({ everyS, seconds: await waitsOf(api, unread.slice(0, reads), everyS, measure) });
      unread = unread.slice(reads);
    }
    return {
      transfers,
      people,
      beforeMb: before.worker,
      waitingMb: Math.max(...sizes.map((size) => size.worker)),
      redisMb: { before: before.redis, waiting: Math.max(...sizes.map((size) => size.redis)) },
    };
  } finally {
    redis.disconnect();
    await stage.close();
  }
}

/** Asks for one pair after the other. @returns how long each answer took. */
async function waitsOf(
  { url, token }: { url: string; token: string },
  pairs: readonly (readonly [string, string])[],
  everyS: number,
  measure: () => Promise<unknown>,
): Promise<number[]> {
  const headers = { authorization: `Bearer ${token}` };
  const waits: Promise<number>[] = [];
  for (const [from, to] of pairs) {
    const askedMs = performance.now();
    const answer = fetch(`${url}/v1/rates?from=${from}&to=${to}`, { headers });
    waits.push(
      answer.then(({ status }) => {
        if (status !== 200 && status !== 503) throw new Error(`the API answers ${status} for ${from} to ${to}`);
        return status === 200 ? (performance.now() - askedMs) / 1_000 : Number.POSITIVE_INFINITY;
      }),
    );
    for (let second = 0; second < everyS; second += 1) {
      await delay(1_000);
      await measure();
    }
  }
  return Promise.all(waits);
}

/**
 * Copies one row until there are `transfers` queued ones. Accepting each would take minutes and use the same memory.
 */
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

async function redisMb(redis: Redis): Promise<number> {
  const [, bytes] = /^used_memory:(\d+)/m.exec(await redis.info('memory')) ?? [];
  return Number(bytes) / 1_024 / 1_024;
}
