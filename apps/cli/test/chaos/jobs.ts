import { queuePrefix, transferQueueName } from '@kpay/producer';
import { eventually } from '@kpay/testkit';
import { isFinal } from '@kpay/transfers';
import { Queue } from 'bullmq';
import { readLedger } from './read-ledger.ts';

// A job that nobody woke looks at its transfer within 30 s.
const FOLLOWED_WITHIN_MS = 45_000;

/**
 * What the callers' jobs that are still there say, against the ledger: completed with the transfer that succeeded, failed
 * with one that ended without moving money, and still waiting only with one that a person must look at.
 */
export async function brokenJobs(redisUrl: string, databaseUrl: string): Promise<string[]> {
  const { hostname: host, port } = new URL(redisUrl);
  const queue = new Queue(transferQueueName('default'), {
    connection: { host, port: Number(port) },
    prefix: queuePrefix('default'),
  });
  const rows = new Map((await readLedger(databaseUrl)).transfers.map((row) => [row.external_id, row]));
  const look = async (): Promise<string[]> => {
    const jobs = await queue.getJobs(['completed', 'failed', 'delayed', 'wait', 'prioritized', 'active']);
    const broken = await Promise.all(
      jobs.map(async (job) => {
        const { externalId } = job.data;
        const row = rows.get(externalId);
        const state = await job.getState();
        // Of the orders that expired before anybody heard of them.
        if (!row) return state === 'failed' ? [] : [`the job of ${externalId}, which is not in the ledger, is ${state}`];
        const right =
          row.state === 'succeeded' ? state === 'completed' : isFinal(row.state) ? state === 'failed' : state !== 'failed';
        if (right) return [];
        const { attemptsStarted: looks, delay } = job;
        return [`${externalId} is ${row.state}, its job is ${state} after ${looks} looks, put aside for ${delay} ms`];
      }),
    );
    return broken.flat();
  };
  try {
    let broken: string[] = [];
    await eventually(
      async () => {
        broken = await look();
        if (broken.length > 0) throw new Error('some jobs do not know yet');
      },
      { timeoutMs: FOLLOWED_WITHIN_MS, everyMs: 2_000 },
    ).catch(() => {});
    return broken;
  } finally {
    await queue.close();
  }
}
