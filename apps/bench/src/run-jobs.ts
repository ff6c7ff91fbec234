import { setTimeout as delay } from 'node:timers/promises';
import { TRANSFER_JOB, type TransferJobData } from '@kpay/producer';
import { type JobsOptions, Queue } from 'bullmq';

const POLL_EVERY_MS = 25;

/** A queue and its worker. */
export interface JobRunner {
  /** Enqueues all orders and waits until each job has completed. @returns the seconds. */
  run(orders: readonly TransferJobData[]): Promise<number>;
  close(): Promise<void>;
}

/** The options that a producer sets. */
const OPTIONS: JobsOptions = { attempts: 1, priority: 5, removeOnComplete: { age: 86_400 }, removeOnFail: { age: 86_400 } };

export function openJobRunner(redisUrl: string, name: string, prefix: string): JobRunner {
  const queue = new Queue<TransferJobData>(name, { connection: { url: redisUrl }, prefix });
  let done = 0;
  return {
    async run(orders) {
      const startedMs = performance.now();
      await queue.addBulk(
        orders.map((data) => ({ name: TRANSFER_JOB, data, opts: { ...OPTIONS, jobId: `x-${data.externalId}` } })),
      );
      done += orders.length;
      for (;;) {
        const { completed = 0, failed = 0 } = await queue.getJobCounts('completed', 'failed');
        if (failed > 0) throw new Error(`${failed} jobs of ${name} failed: ${(await queue.getFailed(0, 0))[0]?.failedReason}`);
        if (completed >= done) return (performance.now() - startedMs) / 1_000;
        await delay(POLL_EVERY_MS);
      }
    },
    close: () => queue.close(),
  };
}
