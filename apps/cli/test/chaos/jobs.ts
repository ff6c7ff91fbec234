import { queuePrefix, type TransferJobData, transferQueueName } from '@kpay/producer';
import { eventually } from '@kpay/testkit';
import { isFinal, type TransferRow } from '@kpay/transfers';
import { type Job, Queue } from 'bullmq';
import { readLedger } from './read-ledger.ts';

// A job that nothing woke reads its transfer within 30 s.
const FOLLOWED_WITHIN_MS = 45_000;

export interface JobsResult {
  /** The jobs that disagree with the ledger. */
  broken: string[];
  /** How long after its transfer's end the last job ended. */
  toldWithinMs: number;
}

/**
 * Compares the remaining callers' jobs with the ledger: a job has completed if its transfer succeeded, has failed if it
 * ended without moving money, and still waits only if a person must check it.
 *
 * @throws when no worker consumes the queue. Only a worker changes these jobs, so waiting would prove nothing.
 */
export async function checkJobs(redisUrl: string, databaseUrl: string): Promise<JobsResult> {
  const { hostname: host, port, pathname } = new URL(redisUrl);
  const queue = new Queue<TransferJobData>(transferQueueName('default'), {
    connection: { host, port: Number(port), db: Number(pathname.slice(1)) },
    prefix: queuePrefix('default'),
  });
  try {
    if ((await queue.getWorkersCount()) === 0)
      throw new Error(`no worker consumes the queue: check callers' jobs before it ends`);
    const rows = new Map((await readLedger(databaseUrl)).transfers.map((row) => [row.external_id, row]));
    let jobs: Job<TransferJobData>[] = [];
    let broken: string[] = [];
    await eventually(
      async () => {
        jobs = await queue.getJobs(['completed', 'failed', 'delayed', 'wait', 'prioritized', 'active']);
        broken = (await Promise.all(jobs.map((job) => brokenJob(job, rows.get(job.data.externalId ?? ''))))).flat();
        if (broken.length > 0) throw new Error('some jobs do not know yet');
      },
      { timeoutMs: FOLLOWED_WITHIN_MS, everyMs: 2_000 },
    ).catch(() => {});
    const toldAfterMs = jobs.map((job) => toldAfter(job, rows.get(job.data.externalId ?? '')));
    return { broken, toldWithinMs: toldAfterMs.reduce((latest, each) => Math.max(latest, each), 0) };
  } finally {
    await queue.close();
  }
}

async function brokenJob(job: Job<TransferJobData>, row: TransferRow | undefined): Promise<string[]> {
  const state = await job.getState();
  // From orders that expired before they arrived.
  if (!row) return state === 'failed' ? [] : [`the job of ${job.data.externalId}, which is not in the ledger, is ${state}`];
  const right = row.state === 'succeeded' ? state === 'completed' : isFinal(row.state) ? state === 'failed' : state !== 'failed';
  if (right) return [];
  const { attemptsStarted: looks, delay } = job;
  return [`${row.external_id} is ${row.state}, its job is ${state} after ${looks} looks, put aside for ${delay} ms`];
}

/** From the end of its transfer, or from its enqueuing if that was later. */
function toldAfter({ finishedOn, timestamp }: Job, row: TransferRow | undefined): number {
  return finishedOn === undefined || !row?.finished_at ? 0 : finishedOn - Math.max(row.finished_at.getTime(), timestamp);
}
