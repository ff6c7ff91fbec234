import { repeat } from '@kpay/runtime';
import { findStopped, type Ledger, type TransferRow } from '@kpay/transfers';

/** Longer than a transfer takes when nothing holds it. */
const TIMEOUT_MS = 10_000;
/** How often the ledger is polled for transfers that another process completed. */
const POLL_EVERY_MS = 250;

/**
 * Callers' jobs that wait in this process for their transfers to complete, so that a fast transfer is answered without a
 * round trip through the queue. Their number is bounded: a job that finds no room, or that times out, waits in the queue
 * instead. Jobs that are lost with the process are picked up by the next one.
 */
export interface CompletionWaiters {
  /** Resolves when the transfer completes; undefined when the job must wait in the queue instead. */
  wait(transferId: string, jobId: string | undefined): Promise<TransferRow | undefined>;
  /** Releases the jobs of a transfer that completed, is held or unconfirmed. @returns whether its own job waited here. */
  complete(transfer: TransferRow): boolean;
  /**
   * Whether the transfer completed within the last seconds while its job was not here. A job asks this after it has moved to
   * the queue, because nothing could wake it on the way.
   */
  hasJustEnded(transferId: string): boolean;
  /** Sends all jobs to the queue. */
  close(): Promise<void>;
}

interface Waiter {
  jobId: string | undefined;
  sinceMs: number;
  leave(transfer: TransferRow | undefined): void;
}

/** Whether the transfer can complete soon, because nothing holds it. */
export function isNearItsEnd({ state }: TransferRow): boolean {
  return state === 'queued' || state === 'submitting';
}

/** The lower bound of the limit, however slow completions are. */
const MIN_WAITERS = 50;
/**
 * After this many admissions without a completion, the next job goes to the queue, because BullMQ fetches another job only
 * when one is done (account-service.ts).
 */
export const ADMISSION_BURST = 50;
/** Completions are counted over this time. */
const RATE_OVER_MS = 1_000;
/** For how long after a timeout the limit follows the rate of completions. */
const SLOW_FOR_MS = 30_000;
/** Longer than a job takes to move to the queue. */
const REMEMBER_MS = 10_000;

export interface CompletionWaitersOptions {
  ledger: Ledger;
  /**
   * Upper bound. After a wait timed out, the bound drops for 30 s to the number of completions expected within 10 s at the
   * current rate.
   */
  maxWaiters: number;
  /** Called with the number of waiting jobs whenever it changes. */
  onCountChange: (count: number) => void;
  onError: (error: unknown) => void;
}

/**
 * Three bounds decide who may wait, because each guards against another harm: `maxWaiters` bounds the jobs that a process loses
 * when it dies (decision 0021), the pace of completions keeps an account that sends nothing from holding jobs in vain (0030),
 * and the burst lets BullMQ fetch new jobs at all (0034).
 */
export function openCompletionWaiters({
  ledger,
  maxWaiters,
  onCountChange,
  onError,
}: CompletionWaitersOptions): CompletionWaiters {
  // Oldest first. Several jobs can wait for one transfer.
  const waiters = new Map<string, Set<Waiter>>();
  // When the latest transfers completed.
  let completions: number[] = [];
  // Transfers that completed while no job of theirs was here, oldest first, and when.
  const missed = new Map<string, number>();
  let count = 0;
  let admitted = 0;
  let slowUntilMs = Number.NEGATIVE_INFINITY;
  let closed = false;

  function admit(): void {
    admitted += 1;
    count += 1;
    onCountChange(count);
  }

  function leave(): void {
    admitted = 0;
    count -= 1;
    onCountChange(count);
  }

  function forgetMissed(): void {
    const sinceMs = performance.now() - REMEMBER_MS;
    for (const [id, completedMs] of missed) {
      if (completedMs > sinceMs) return;
      missed.delete(id);
    }
  }

  function limit(): number {
    const nowMs = performance.now();
    const forgotten = completions.findIndex((atMs) => atMs > nowMs - RATE_OVER_MS);
    completions = forgotten === -1 ? [] : completions.slice(forgotten);
    if (nowMs >= slowUntilMs) return maxWaiters;
    return Math.min(maxWaiters, Math.max(MIN_WAITERS, (completions.length * TIMEOUT_MS) / RATE_OVER_MS));
  }

  function release(transferId: string, transfer: TransferRow | undefined): boolean {
    const leaving = waiters.get(transferId);
    waiters.delete(transferId);
    for (const waiter of leaving ?? []) waiter.leave(transfer);
    if (leaving && transfer?.finished_at) completions.push(performance.now());
    return [...(leaving ?? [])].some(({ jobId }) => jobId === transfer?.job_id);
  }

  async function poll(): Promise<void> {
    forgetMissed();
    const nowMs = performance.now();
    const old = [...waiters].filter(([, each]) => [...each].some(({ sinceMs }) => nowMs - sinceMs >= POLL_EVERY_MS));
    if (old.length === 0) return;
    for (const transfer of await findStopped(
      ledger,
      old.map(([id]) => id),
    ))
      release(transfer.id, transfer);
    for (const [id, each] of old) {
      if (![...each].some(({ sinceMs }) => nowMs - sinceMs >= TIMEOUT_MS)) continue;
      slowUntilMs = nowMs + SLOW_FOR_MS;
      release(id, undefined);
    }
  }
  const stopPolling = repeat(poll, POLL_EVERY_MS, onError);

  return {
    async wait(transferId, jobId) {
      if (closed || count >= limit() || admitted >= ADMISSION_BURST) {
        admitted = 0;
        return undefined;
      }
      const { promise, resolve } = Promise.withResolvers<TransferRow | undefined>();
      const others = waiters.get(transferId) ?? new Set<Waiter>();
      waiters.set(transferId, others.add({ jobId, sinceMs: performance.now(), leave: resolve }));
      admit();
      return promise.finally(leave);
    },
    complete(transfer) {
      if (isNearItsEnd(transfer)) return false;
      if (release(transfer.id, transfer)) return true;
      if (transfer.finished_at && transfer.job_id !== null) missed.set(transfer.id, performance.now());
      return false;
    },
    hasJustEnded: (transferId) => missed.has(transferId),
    async close() {
      closed = true;
      await stopPolling();
      for (const id of [...waiters.keys()]) release(id, undefined);
    },
  };
}
