import type { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Job, Queue } from 'bullmq';
import { JobRemoved, TransferFailed, WaitTimedOut } from './errors.ts';
import { type TransferJobResult, transferJobProgressSchema, transferJobResultSchema } from './transfer-job.ts';

export interface WaitOptions {
  timeoutMs?: number;
  /** Ends the wait with its reason. */
  signal?: AbortSignal;
}

export interface EnqueuedJob {
  jobId: string;
  externalId: string;
}

/** What a job tells about its transfer; undefined while that is open. */
export type ReadJob<T> = (job: Job, externalId: string) => T | undefined;

export interface Following extends EnqueuedJob {
  queue: Queue;
  /** Emits a job's id whenever something was heard of that job. */
  news: EventEmitter;
  /** Ends every wait. */
  closed: AbortSignal;
}

// News can be missed, while connecting or with a lost connection: a job is looked at this often without any.
const MIN_LOOK_MS = 250;
const MAX_LOOK_MS = 5_000;
// Node fires a timer beyond this at once.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The transfer's id once the job was accepted; undefined while that is open. */
export function readAcceptance(job: Job, externalId: string): { transferId: string } | undefined {
  const transferId = transferIdOf(job);
  if (transferId !== undefined) return { transferId };
  const result = readResult(job, externalId);
  return result && { transferId: result.transferId };
}

/**
 * The job's result; undefined while it is under way.
 *
 * @throws TransferFailed
 */
export function readResult(job: Job, externalId: string): TransferJobResult | undefined {
  if (job.finishedOn === undefined) return undefined;
  if (job.failedReason !== undefined) {
    throw new TransferFailed({ externalId, reason: job.failedReason, transferId: transferIdOf(job) });
  }
  return transferJobResultSchema.parse(job.returnvalue);
}

function transferIdOf(job: Job): string | undefined {
  return transferJobProgressSchema.safeParse(job.progress).data?.accepted;
}

/**
 * Looks at a job, now and at all news, until `read` finds something in it. While Redis is away it goes on waiting:
 * the transfer may go on too.
 *
 * @throws JobRemoved, WaitTimedOut, the reason of `signal`, and what `read` throws.
 */
export async function followJob<T>(
  { queue, jobId, externalId, news, closed }: Following,
  read: ReadJob<T>,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<T> {
  const timeout = AbortSignal.timeout(Math.min(timeoutMs, LONGEST_TIMER_MS));
  const stop = AbortSignal.any(signal ? [timeout, closed, signal] : [timeout, closed]);
  for (let pauseMs = MIN_LOOK_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_LOOK_MS)) {
    if (timeout.aborted) throw new WaitTimedOut(externalId, timeoutMs);
    stop.throwIfAborted();
    const heard = new AbortController();
    const wake = () => heard.abort();
    // Before looking, so that what happens meanwhile is not missed.
    news.once(jobId, wake);
    try {
      const job = await queue.getJob(jobId).catch(() => 'queue away' as const);
      if (job === undefined) throw new JobRemoved(externalId);
      const found = job === 'queue away' ? undefined : read(job, externalId);
      if (found !== undefined) return found;
      await delay(pauseMs, undefined, { signal: AbortSignal.any([stop, heard.signal]) }).catch(() => {});
    } finally {
      news.off(jobId, wake);
    }
  }
}
