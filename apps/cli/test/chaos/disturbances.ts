import { setTimeout as delay } from 'node:timers/promises';
import type { Simulator } from '@kpay/simulator';
import { eventually, type OwnServer } from '@kpay/testkit';
import { Redis } from 'ioredis';
import { adminToken } from '../start-kpay.ts';
import type { addFaults } from './add-faults.ts';
import type { KeptApp } from './kept-app.ts';

/** A pause as its creator knows it: in force at least between these two times. */
export interface KnownPause {
  corridor: string | undefined;
  from: Date;
  until: Date;
}

export interface Stage {
  simulator: Simulator;
  faults: ReturnType<typeof addFaults>;
  postgres: OwnServer;
  redis: OwnServer;
  workers: readonly KeptApp[];
  api: KeptApp;
  apiUrl: string;
  random: () => number;
  pauses: KnownPause[];
}

const DOWN_MS = 2_000;
const OUTAGE_MS = 3_000;
const PAUSED_MS = 3_000;

type Disturbance = (stage: Stage) => Promise<void>;

/** All disturbances by name. Freezes happen beside them. */
const disturbances = {
  'worker killed': (stage) => pick(stage).kill(),
  'all workers killed': async ({ workers }) => {
    await Promise.all(workers.filter(({ frozen }) => !frozen).map((worker) => worker.kill()));
  },
  'API killed': ({ api }) => api.kill(),
  FLUSHALL: ({ redis }) => flush(redis),
  'FLUSHALL and a worker killed': async (stage) => {
    await Promise.all([flush(stage.redis), pick(stage).kill()]);
  },
  'Redis restarted': ({ redis }) => redis.restart(),
  'Redis refuses writes': async ({ redis }) => {
    // It answers every read, and no replica is there for a write.
    await configure(redis, 'min-replicas-to-write', '1');
    await delay(DOWN_MS);
    await configure(redis, 'min-replicas-to-write', '0');
  },
  'Redis killed and down': async ({ redis }) => {
    await redis.kill();
    await delay(DOWN_MS);
    await redis.restart();
  },
  'Postgres restarted': ({ postgres }) => postgres.restart(),
  'Postgres and a worker restarted': async (stage) => {
    await Promise.all([stage.postgres.restart(), pick(stage).kill()]);
  },
  'KPay fails everything': ({ faults, random }) => outage(faults, random() < 0.5 ? 'before' : 'after'),
  'tokens revoked': async ({ simulator }) => simulator.control.revokeTokens(),
  'account paused': (stage) => pauseFor(stage, undefined),
  'corridor paused': (stage) => pauseFor(stage, 'CMR-GAB'),
} as const satisfies Readonly<Record<string, Disturbance>>;

export type DisturbanceName = keyof typeof disturbances;

const names = Object.keys(disturbances) as DisturbanceName[];

/** Every kind once in random order, then again, so that each run contains all of them. */
export function drawDisturbances(count: number, random: () => number): DisturbanceName[] {
  const drawn: DisturbanceName[] = [];
  while (drawn.length < count) {
    const deck = names.map((name) => ({ name, at: random() })).sort((a, b) => a.at - b.at);
    drawn.push(...deck.map(({ name }) => name));
  }
  return drawn.slice(0, count);
}

export function disturb(stage: Stage, name: DisturbanceName): Promise<void> {
  return disturbances[name](stage);
}

function pick({ workers, random }: Stage): KeptApp {
  const awake = workers.filter(({ frozen }) => !frozen);
  const worker = awake[Math.floor(random() * awake.length)];
  if (!worker) throw new Error('every worker is frozen');
  return worker;
}

async function flush({ url }: OwnServer): Promise<void> {
  const redis = new Redis(url);
  redis.on('error', () => {});
  await redis.flushall().finally(() => redis.disconnect());
}

async function configure({ url }: OwnServer, name: string, value: string): Promise<void> {
  const redis = new Redis(url);
  redis.on('error', () => {});
  await redis.config('SET', name, value).finally(() => redis.disconnect());
}

async function outage(faults: Stage['faults'], when: 'before' | 'after'): Promise<void> {
  faults.beginOutage(when);
  await delay(OUTAGE_MS);
  faults.endOutage();
}

async function pauseFor({ apiUrl, pauses }: Stage, corridor: string | undefined): Promise<void> {
  const scope = corridor === undefined ? { scope: 'account' } : { scope: 'corridor', corridor };
  const body = JSON.stringify({ ...scope, account: 'default', reason: 'chaos' });
  const made = await askPauses(apiUrl, '', { method: 'POST', body });
  const { id } = (await made.json()) as { id: string };
  const from = new Date();
  await delay(PAUSED_MS);
  pauses.push({ corridor, from, until: new Date() });
  await askPauses(apiUrl, `/${id}`, { method: 'DELETE' });
}

/** Lifts every pause in force, also those whose creation got no answer. */
export async function liftAllPauses(apiUrl: string): Promise<void> {
  const { items } = (await (await askPauses(apiUrl, '', {})).json()) as { items: { id: string }[] };
  for (const { id } of items) await askPauses(apiUrl, `/${id}`, { method: 'DELETE' });
}

async function askPauses(apiUrl: string, path: string, request: RequestInit): Promise<Response> {
  const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
  return eventually(
    async () => {
      const answer = await fetch(`${apiUrl}/v1/pauses${path}`, { ...request, headers, signal: AbortSignal.timeout(10_000) });
      if (!answer.ok) throw new Error(`the API said ${answer.status}: ${await answer.text()}`);
      return answer;
    },
    { timeoutMs: 30_000, everyMs: 200 },
  );
}
