import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { queuePrefix, transferQueueName } from '@kpay/producer';
import { temporaryFolder } from '@kpay/testkit';
import { cpuTimeMs } from './cpu-time.ts';
import { makeOrders } from './orders.ts';
import { type JobRunner, openJobRunner } from './run-jobs.ts';
import { openStage, type Stage } from './stage.ts';
import type { App } from './start-app.ts';

const SETTINGS = {
  off: {},
  tenth: { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' },
  on: {},
};

export type Tracing = keyof typeof SETTINGS;
export const tracings = Object.keys(SETTINGS) as Tracing[];

export interface TracedCost {
  perSecond: number;
  /** The worker's processor time for a transfer. */
  cpuMs: number;
}

const CONCURRENCY = 20;

export interface Traced {
  rounds: Record<Tracing, TracedCost>[];
  /** For a worker without tracing: the share of its processor time in OpenTelemetry's API and in our calls of it. */
  idleShare: number;
}

/**
 * Measures the real worker without the limit: not traced, every tenth transfer traced, and each transfer traced; in
 * turn, on the same servers. Then it profiles a worker without tracing.
 */
export async function measureTraced(size: { transfers: number; rounds: number }): Promise<Traced> {
  const { transfers, rounds } = size;
  const stage = await openStage();
  const runners: JobRunner[] = [];
  const collector = createServer((request, response) => request.resume().once('end', () => response.end()));
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  try {
    await stage.control('POST', 'limit', { limit: 1_000_000 });
    const collectorUrl = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
    const workers = new Map<Tracing, { app: App; jobs: JobRunner }>();
    for (const [index, tracing] of tracings.entries()) {
      const redisUrl = `${stage.redisUrl}/${index + 1}`;
      const app = await stage.startWorker({
        KPAY_WORKER_CONCURRENCY: String(CONCURRENCY),
        KPAY_RATE_LIMIT_PER_MINUTE: '100000',
        KPAY_BUDGET_WINDOW_SECONDS: '1',
        DATABASE_URL: await stage.createDatabase(`traced_${tracing}`),
        REDIS_URL: redisUrl,
        ...(tracing === 'off' ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl }),
        ...SETTINGS[tracing],
      });
      const jobs = openJobRunner(redisUrl, transferQueueName('default'), queuePrefix('default'));
      runners.push(jobs);
      workers.set(tracing, { app, jobs });
    }
    const measure = async (tracing: Tracing, name: string): Promise<TracedCost> => {
      const { app, jobs } = workers.get(tracing) ?? {};
      if (!app || !jobs) throw new Error(`there is no worker "${tracing}"`);
      const cpuBefore = cpuTimeMs(app.pid);
      const seconds = await jobs.run(makeOrders(transfers, `${tracing}-${name}`));
      return { perSecond: transfers / seconds, cpuMs: (cpuTimeMs(app.pid) - cpuBefore) / transfers };
    };
    for (const tracing of tracings) await measure(tracing, 'warm');
    const measured: Record<Tracing, TracedCost>[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const costs: Partial<Record<Tracing, TracedCost>> = {};
      // The order changes each round, so that no side always finds the smaller tables.
      for (const tracing of round % 2 === 0 ? tracings : tracings.toReversed())
        costs[tracing] = await measure(tracing, `${round}`);
      measured.push(costs as Record<Tracing, TracedCost>);
    }
    for (const { app } of workers.values()) await app.stop();
    return { rounds: measured, idleShare: await profileUntraced(stage, runners, transfers) };
  } finally {
    for (const runner of runners) await runner.close();
    await stage.close();
    collector.close();
  }
}

async function profileUntraced(stage: Stage, runners: JobRunner[], transfers: number): Promise<number> {
  const folder = temporaryFolder();
  try {
    const redisUrl = `${stage.redisUrl}/${tracings.length + 1}`;
    const settings = {
      KPAY_WORKER_CONCURRENCY: String(CONCURRENCY),
      KPAY_RATE_LIMIT_PER_MINUTE: '100000',
      KPAY_BUDGET_WINDOW_SECONDS: '1',
      DATABASE_URL: await stage.createDatabase('traced_profile'),
      REDIS_URL: redisUrl,
    };
    const worker = await stage.startWorker(settings, ['--cpu-prof', `--cpu-prof-dir=${folder.path}`]);
    const jobs = openJobRunner(redisUrl, transferQueueName('default'), queuePrefix('default'));
    runners.push(jobs);
    await jobs.run(makeOrders(transfers, 'profile'));
    await worker.stop();
    const [file = ''] = readdirSync(folder.path);
    return shareOf(JSON.parse(readFileSync(join(folder.path, file), 'utf8')) as CpuProfile);
  } finally {
    folder.remove();
  }
}

/** The part of `node --cpu-prof`'s output that is used here. */
interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string } }[];
  samples: number[];
  timeDeltas: number[];
}

const OF_TRACING = /@opentelemetry\/api\/|\/trace-step\.ts$|\/current-trace\.ts$|\/carry-trace\.ts$/;

function shareOf({ nodes, samples, timeDeltas }: CpuProfile): number {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  let busyUs = 0;
  let tracingUs = 0;
  for (const [index, id] of samples.entries()) {
    const { functionName = '', url = '' } = frames.get(id) ?? {};
    const us = timeDeltas[index] ?? 0;
    if (functionName === '(idle)') continue;
    busyUs += us;
    if (OF_TRACING.test(url)) tracingUs += us;
  }
  if (busyUs === 0) throw new Error('the profile is empty');
  return tracingUs / busyUs;
}
