import { queuePrefix, transferQueueName } from '@kpay/producer';
import { countTransactions } from './count-transactions.ts';
import { cpuTimeMs } from './cpu-time.ts';
import { makeOrders } from './orders.ts';
import { type JobRunner, openJobRunner } from './run-jobs.ts';
import { openStage } from './stage.ts';

type Side = 'ours' | 'bare';

/** The cost of one transfer in a round. */
export interface Cost {
  perSecond: number;
  /** Processor time of each process, in milliseconds. */
  cpuMs: Readonly<Record<string, number>>;
}

export interface Speed {
  concurrency: number;
  transfers: number;
  /** One pair for each round, measured one after the other. */
  rounds: Record<Side, Cost>[];
  /** Transactions for each transfer, as Postgres counts them, read-only ones included. */
  transactions: Record<Side, number>;
}

export interface SpeedOptions {
  concurrency: number;
  /** Transfers of each side in a round. */
  transfers: number;
  rounds: number;
  /** Node arguments for the worker, such as `--cpu-prof`. */
  nodeArguments?: readonly string[];
}

/**
 * Measures the real worker against a bare loop, without the limit: in turn, on the same servers, in one run. An
 * uncounted round of each warms them up.
 */
export async function measureSpeed({ concurrency, transfers, rounds, nodeArguments = [] }: SpeedOptions): Promise<Speed> {
  const stage = await openStage();
  const runners: JobRunner[] = [];
  try {
    await stage.control('POST', 'limit', { limit: 1_000_000 });
    const worker = await stage.startWorker(
      {
        KPAY_WORKER_CONCURRENCY: String(concurrency),
        // Every request still takes its slot. The window is as short as possible, so that the log of slots is about as
        // long as under the real limit.
        KPAY_RATE_LIMIT_PER_MINUTE: '100000',
        KPAY_BUDGET_WINDOW_SECONDS: '1',
      },
      nodeArguments,
    );
    const bareDatabase = await stage.createDatabase('bare');
    const bare = await stage.startProgram('./bare-loop.ts', {
      DATABASE_URL: bareDatabase,
      BARE_QUEUE: 'bare',
      BARE_CONCURRENCY: String(concurrency),
    });
    const sides = {
      ours: { app: worker, jobs: openJobRunner(stage.redisUrl, transferQueueName('default'), queuePrefix('default')) },
      bare: { app: bare, jobs: openJobRunner(stage.redisUrl, 'bare', '{bare}') },
    };
    runners.push(sides.ours.jobs, sides.bare.jobs);

    const measure = async (side: Side, name: string): Promise<Cost> => {
      const { app, jobs } = sides[side];
      const pids = { node: app.pid, ...stage.pids };
      const readCpu = () => Object.entries(pids).map(([process, pid]) => [process, cpuTimeMs(pid)] as const);
      const orders = makeOrders(transfers, `${side}-${concurrency}-${name}`);
      const cpuBefore = new Map(readCpu());
      const seconds = await jobs.run(orders);
      const cpuMs = Object.fromEntries(
        readCpu().map(([process, ms]) => [process, (ms - (cpuBefore.get(process) ?? 0)) / transfers]),
      );
      return { perSecond: transfers / seconds, cpuMs };
    };

    await measure('ours', 'warm');
    await measure('bare', 'warm');
    const measured: Record<Side, Cost>[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const costs: Partial<Record<Side, Cost>> = {};
      // The side that begins changes each round, so that neither always finds the smaller tables.
      for (const side of round % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const)) {
        costs[side] = await measure(side, String(round));
      }
      measured.push(costs as Record<Side, Cost>);
    }
    await Promise.all([worker.stop(), bare.stop()]);
    const transactions = {
      ours: (await countTransactions(stage.postgresUrl)) / (transfers * (rounds + 1)),
      bare: (await countTransactions(bareDatabase)) / (transfers * (rounds + 1)),
    };
    return { concurrency, transfers, rounds: measured, transactions };
  } finally {
    for (const runner of runners) await runner.close();
    await stage.close();
  }
}
