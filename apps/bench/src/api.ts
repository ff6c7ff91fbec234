import { setTimeout as delay } from 'node:timers/promises';
import { queuePrefix } from '@kpay/producer';
import { freePort } from '@kpay/testkit';
import { advanceQueueName } from '@kpay/transfers/worker';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { Pool } from 'undici';
import { cpuTimeMs } from './cpu-time.ts';
import { openStage } from './stage.ts';

export interface SteadyLoad {
  perSecond: number;
  seconds: number;
  p50Ms: number;
  p99Ms: number;
  worstMs: number;
  /** Answers other than 202. */
  errors: number;
}

export interface ApiCalls {
  steady: SteadyLoad;
  /** The most transfers a second, a pair each round. */
  rounds: { ours: number; bare: number }[];
  /** Processor time of each side's process for a transfer, in milliseconds. */
  cpuMs: { ours: number; bare: number }[];
}

const CONNECTIONS = 64;
const STEADY_PER_SECOND = 200;
// Fewer than a hundred jobs are made in this time.
const EMPTIED_EVERY_MS = 50;

/**
 * Measures the admin API as a separate process, with an API key, against a bare handler in another process, on the same
 * servers. This process sends the requests. `requests` is the number for each side in a round.
 */
export async function measureApi({
  seconds,
  requests,
  rounds,
}: {
  seconds: number;
  requests: number;
  rounds: number;
}): Promise<ApiCalls> {
  const stage = await openStage();
  try {
    const bareDatabase = await stage.createDatabase('bare');
    const barePort = await freePort();
    const api = await stage.startAdminApi({ KPAY_API_REQUESTS_PER_MINUTE: '1000000' });
    const bare = await stage.startProgram('./bare-api.ts', { DATABASE_URL: bareDatabase, BARE_PORT: String(barePort) });
    const key = await makeKey(api.url, api.token);
    const stopEmptying = keepEmpty(stage.redisUrl, [queuePrefix('default'), '{bare}']);
    const sides = {
      ours: openCaller(api.url, key),
      bare: openCaller(`http://127.0.0.1:${barePort}`, key),
    };
    const saturated = async (side: 'ours' | 'bare', name: string) => {
      let next = 0;
      const lane = async () => {
        while (next < requests) {
          next += 1;
          const status = await sides[side].post(`${name}-${next}`);
          if (status !== 202) throw new Error(`${side} answered ${status}`);
        }
      };
      const startedMs = performance.now();
      await Promise.all(Array.from({ length: CONNECTIONS }, lane));
      return (requests * 1_000) / (performance.now() - startedMs);
    };
    const pids = { ours: api.pid, bare: bare.pid };
    const measured: ApiCalls['rounds'] = [];
    const cpuMs: ApiCalls['cpuMs'] = [];
    // The first round warms both up.
    for (let round = 0; round <= rounds; round += 1) {
      const perSecond = { ours: 0, bare: 0 };
      const cpu = { ours: 0, bare: 0 };
      for (const side of round % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const)) {
        const beforeMs = cpuTimeMs(pids[side]);
        perSecond[side] = await saturated(side, `${side}-${round}`);
        cpu[side] = (cpuTimeMs(pids[side]) - beforeMs) / requests;
      }
      if (round === 0) continue;
      measured.push(perSecond);
      cpuMs.push(cpu);
    }
    const steady = await ask(sides.ours.post, seconds);
    await stopEmptying();
    for (const side of Object.values(sides)) await side.close();
    return { steady, rounds: measured, cpuMs };
  } finally {
    await stage.close();
  }
}

/**
 * Removes the jobs instead of workers, which would use processor time. With some waiting, the API would add no more.
 */
function keepEmpty(redisUrl: string, prefixes: readonly string[]): () => Promise<void> {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const queues = prefixes.map((prefix) => new Queue(advanceQueueName('default'), { connection: redis, prefix }));
  const stopping = new AbortController();
  const emptied = (async () => {
    while (!stopping.signal.aborted) {
      for (const queue of queues) await queue.drain();
      await delay(EMPTIED_EVERY_MS);
    }
  })();
  return async () => {
    stopping.abort();
    await emptied;
    for (const queue of queues) await queue.close();
    redis.disconnect();
  };
}

function openCaller(url: string, key: string): { post(externalId: string): Promise<number>; close(): Promise<void> } {
  const pool = new Pool(url, { connections: CONNECTIONS });
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  return {
    async post(externalId) {
      const body = JSON.stringify({ externalId, sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 100 });
      const answer = await pool.request({ method: 'POST', path: '/v1/transfers', headers, body });
      await answer.body.dump();
      return answer.statusCode;
    },
    close: () => pool.close(),
  };
}

/** Sends at a fixed pace, whether earlier requests are answered or not. Each request is timed from when it was due. */
async function ask(post: (externalId: string) => Promise<number>, seconds: number): Promise<SteadyLoad> {
  const waitsMs: number[] = [];
  const asked: Promise<void>[] = [];
  let errors = 0;
  const startedMs = performance.now();
  const one = async (index: number, dueMs: number) => {
    const status = await post(`steady-${index}`).catch(() => 0);
    waitsMs.push(performance.now() - dueMs);
    if (status !== 202) errors += 1;
  };
  for (let index = 0; index < STEADY_PER_SECOND * seconds; index += 1) {
    const dueMs = startedMs + (index * 1_000) / STEADY_PER_SECOND;
    const leftMs = dueMs - performance.now();
    if (leftMs > 0) await delay(leftMs);
    asked.push(one(index, dueMs));
  }
  await Promise.all(asked);
  waitsMs.sort((a, b) => a - b);
  const at = (share: number) => waitsMs[Math.min(waitsMs.length - 1, Math.floor(waitsMs.length * share))] ?? 0;
  return { perSecond: STEADY_PER_SECOND, seconds, p50Ms: at(0.5), p99Ms: at(0.99), worstMs: at(1), errors };
}

async function makeKey(url: string, adminToken: string): Promise<string> {
  const answer = await fetch(`${url}/v1/api-keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'bench', owner: 'bench', scopes: ['transfers:create'] }),
  });
  if (answer.status !== 201) throw new Error(`no key was made: ${answer.status}`);
  return ((await answer.json()) as { key: string }).key;
}
