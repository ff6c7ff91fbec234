import { setTimeout as delay } from 'node:timers/promises';
import { queuePrefix, transferQueueName } from '@kpay/producer';
import { countConnections } from './count-connections.ts';
import { type Backlog, scaledSettings, type Truth } from './limit.ts';
import { makeOrders } from './orders.ts';
import { watchOthers } from './others-share.ts';
import { openJobRunner } from './run-jobs.ts';
import { openStage, type Stage } from './stage.ts';
import type { App } from './start-app.ts';

export interface Fleet {
  workers: number;
  exporters: number;
}

/** A backlog that a fleet processed, and the most connections that one process of each kind held meanwhile. */
export interface FleetRun extends Fleet {
  backlog: Backlog;
  connections: Readonly<Record<Kind, Connections>>;
  /** The share of this machine's processors that other programs used meanwhile. */
  othersShare: number;
}

export interface Connections {
  postgres: number;
  redis: number;
}

type Kind = 'worker' | 'exporter';

const POLL_EVERY_MS = 500;
/**
 * A slot is held until its answer, and scaled time scales that too. With ten processes on two cores it takes longer.
 */
export const FLEET_TIME_SCALE = 4;
const WINDOW_MS = 60_000 / FLEET_TIME_SCALE;
/** Enough for each of eight workers to get some, and few enough for one minute of the limit. */
const WARM_UP_TRANSFERS = 50;

/**
 * Measures workers and exporters on one Postgres, one Redis and one key. The backlog is enqueued when all of them are
 * ready and warm, and earlier requests to KPay do not count, because the start is not measured.
 */
export async function measureFleet(transfers: number, { workers, exporters }: Fleet): Promise<FleetRun> {
  const stage = await openStage({ timeScale: FLEET_TIME_SCALE });
  const settings = scaledSettings(FLEET_TIME_SCALE);
  const jobs = openJobRunner(stage.redisUrl, transferQueueName('default'), queuePrefix('default'));
  try {
    const apps: { kind: Kind; app: App }[] = [];
    // One after the other, because they share two cores with each other and with all servers.
    for (let left = exporters; left > 0; left -= 1) apps.push({ kind: 'exporter', app: await stage.startExporter(settings) });
    for (let left = workers; left > 0; left -= 1) apps.push({ kind: 'worker', app: await stage.startWorker(settings) });
    await jobs.run(makeOrders(WARM_UP_TRANSFERS, 'warm'));
    await delay(WINDOW_MS);

    const before = await countRequests(stage);
    const othersShare = watchOthers(stage.pids.postgres);
    const { connections, stop } = watchConnections(stage, apps);
    const seconds = await jobs.run(makeOrders(transfers, 'backlog')).finally(stop);
    const after = await countRequests(stage);
    const requests = Object.entries(after.byEndpoint).map(([endpoint, count]) => [
      endpoint,
      count - (before.byEndpoint[endpoint] ?? 0),
    ]);
    return {
      workers,
      exporters,
      connections,
      othersShare: othersShare(),
      backlog: {
        transfers,
        minutes: (seconds * FLEET_TIME_SCALE) / 60,
        requests: Object.fromEntries(requests.filter(([, count]) => count !== 0)),
        // Including the start, during which nothing may be refused either.
        refused: after.refusedByLimit,
      },
    };
  } finally {
    await jobs.close();
    await stage.close();
  }
}

async function countRequests(stage: Stage): Promise<Truth['requestCounts']> {
  return (await stage.control<Truth>('GET', 'truth?requests=0&transfers=0')).requestCounts;
}

function watchConnections(stage: Stage, apps: readonly { kind: Kind; app: App }[]) {
  const ports = { postgres: portOf(stage.postgresUrl), redis: portOf(stage.redisUrl) };
  const connections = { worker: { postgres: 0, redis: 0 }, exporter: { postgres: 0, redis: 0 } };
  const watch = setInterval(() => {
    for (const { kind, app } of apps) {
      const most = connections[kind];
      most.postgres = Math.max(most.postgres, countConnections(app.pid, ports.postgres));
      most.redis = Math.max(most.redis, countConnections(app.pid, ports.redis));
    }
  }, POLL_EVERY_MS);
  return { connections, stop: () => clearInterval(watch) };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
