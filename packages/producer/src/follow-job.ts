import type { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Job, Queue } from 'bullmq';
import { ClosedError, JobRemovedError, TransferFailedError, WaitAbortedError, WaitTimedOutError } from './errors.ts';
import { reasonCodeOf, sameRequest, transferIdOf } from './job-of.ts';
import type { ParsedTransferRequest } from './parse-transfer-request.ts';
import { type TransferJobResult, transferJobResultSchema } from './transfer-job.ts';

/** A request and the job that carries it. */
export interface EnqueuedJob {
  jobId: string;
  request: ParsedTransferRequest;
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

// News can be missed, while connecting or with a lost connection: a job is read this often without any.
const MIN_READ_MS = 250;
const MAX_READ_MS = 5_000;
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
 * @throws TransferFailedError
 */
export function readResult(job: Job, externalId: string): TransferJobResult | undefined {
  if (job.finishedOn === undefined) return undefined;
  if (job.failedReason !== undefined) {
    const transferId = transferIdOf(job);
    throw new TransferFailedError({ externalId, reason: job.failedReason, reasonCode: reasonCodeOf(job), transferId });
  }
  return transferJobResultSchema.parse(job.returnvalue);
}

/**
 * Reads a job, now and at all news, until `read` finds something in it. While Redis is away it goes on waiting:
 * the transfer may go on too.
 *
 * @throws JobRemovedError, WaitTimedOutError, WaitAbortedError, ClosedError, and what `read` throws.
 */
export async function followJob<T>(
  { queue, jobId, request, news, closed }: Following,
  read: ReadJob<T>,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal | undefined },
): Promise<T> {
  const { externalId } = request;
  const timeout = AbortSignal.timeout(Math.min(timeoutMs, LONGEST_TIMER_MS));
  const stop = AbortSignal.any(signal ? [timeout, closed, signal] : [timeout, closed]);
  for (let pauseMs = MIN_READ_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_READ_MS)) {
    if (closed.aborted) throw new ClosedError({ externalId });
    if (signal?.aborted) throw new WaitAbortedError(externalId, signal.reason);
    if (timeout.aborted) throw new WaitTimedOutError(externalId, timeoutMs);
    const heard = new AbortController();
    const wake = () => heard.abort();
    // Before reading, so that what happens meanwhile is not missed.
    news.once(jobId, wake);
    try {
      const job = await queue.getJob(jobId).catch(() => 'queue away' as const);
      // A refused request gives its place to the next one of its externalId: what that one becomes is no answer to this one.
      if (job === undefined || (job !== 'queue away' && !sameRequest(job, request))) throw new JobRemovedError(externalId);
      const found = job === 'queue away' ? undefined : read(job, externalId);
      if (found !== undefined) return found;
      await delay(pauseMs, undefined, { signal: AbortSignal.any([stop, heard.signal]) }).catch(() => {});
    } finally {
      news.off(jobId, wake);
    }
  }
}
