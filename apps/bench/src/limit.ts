import { queuePrefix, transferQueueName } from '@kpay/producer';
import { corridors, makeOrders } from './orders.ts';
import { openJobRunner } from './run-jobs.ts';
import { openStage, type Stage } from './stage.ts';

/** A backlog that was processed under KPay's limit. Times are KPay's, not scaled. */
export interface Backlog {
  transfers: number;
  minutes: number;
  /** KPay's requests by endpoint. */
  requests: Readonly<Record<string, number>>;
  /** Requests that the limit refused. */
  refused: number;
}

/**
 * One factor for every clock: the simulator's, and every setting of the worker and the exporter. The larger it is, the
 * more of KPay's minute passes while this machine computes.
 */
export const TIME_SCALE = 6;

const LIMIT_PER_MINUTE = 100;

/** The default settings of the worker and the exporter, but faster. */
export function scaledSettings(timeScale: number): Readonly<Record<string, string>> {
  const seconds = (real: number) => String(real / timeScale);
  return {
    SIMULATOR_TIME_SCALE: String(timeScale),
    KPAY_RATE_LIMIT_PER_MINUTE: String(LIMIT_PER_MINUTE),
    KPAY_BUDGET_WINDOW_SECONDS: seconds(60),
    KPAY_OBSERVE_BALANCE_SECONDS: seconds(30),
    KPAY_OBSERVE_AVAILABILITY_SECONDS: seconds(60),
    KPAY_OBSERVE_RATE_SECONDS: seconds(600),
    KPAY_CONFLICT_CONFIRM_SECONDS: seconds(60),
    KPAY_RATE_PAIRS: corridors.map(({ pair }) => pair).join(','),
  };
}

/** Measures the worker, with the exporter beside it on the same budget. */
export async function measureBacklog(transfers: number): Promise<Backlog> {
  return work(transfers, transferQueueName('default'), queuePrefix('default'), async (stage) => {
    await stage.startExporter(scaledSettings(TIME_SCALE));
    await stage.startWorker(scaledSettings(TIME_SCALE));
  });
}

/** Measures a careful program without a ledger and shared observations (peer.ts). */
export async function measurePeer(transfers: number): Promise<Backlog> {
  return work(transfers, 'peer', '{peer}', async (stage) => {
    await stage.startProgram('./peer.ts', {
      PEER_QUEUE: 'peer',
      PEER_LIMIT_PER_MINUTE: String(LIMIT_PER_MINUTE),
      PEER_TIME_SCALE: String(TIME_SCALE),
    });
  });
}

async function work(transfers: number, queue: string, prefix: string, start: (stage: Stage) => Promise<void>): Promise<Backlog> {
  const stage = await openStage({ timeScale: TIME_SCALE });
  try {
    await start(stage);
    const jobs = openJobRunner(stage.redisUrl, queue, prefix);
    const seconds = await jobs.run(makeOrders(transfers, 'backlog')).finally(() => jobs.close());
    const { requestCounts } = await stage.control<Truth>('GET', 'truth?requests=0&transfers=0');
    return {
      transfers,
      minutes: (seconds * TIME_SCALE) / 60,
      requests: requestCounts.byEndpoint,
      refused: requestCounts.refusedByLimit,
    };
  } finally {
    await stage.close();
  }
}

/** The simulator's record of its requests. */
export interface Truth {
  requestCounts: { byEndpoint: Record<string, number>; refusedByLimit: number };
}
