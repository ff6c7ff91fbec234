import { type Clock, type Observed, type ObserveOptions, RetryableError } from '@kpay/core';

export interface KeepFreshOptions<T> {
  read(options: ObserveOptions): Promise<Observed<T>>;
  /** The pause between two reads. */
  everyMs: number;
  clock: Clock;
  /** Ends the loop, including a wait for KPay. */
  signal: AbortSignal;
  /** From 0 to 1. It spreads the first reads, so that processes that start together do not ask KPay together. */
  random(): number;
  onAnswer(observed: Observed<T>): void;
  onFailure(error: unknown): void;
}

const START_WITHIN_MS = 1_000;
const RETRY_MS = 30_000;
// A value is read again at this part of its interval. It is below 1, so that a timer that fires early still counts.
const DUE = 0.9;

/**
 * Reads an observation again and again, so that a scrape finds a fresh value. It follows the shared value's pace: a
 * value that another process read a moment ago is not read again. After a temporary failure it tries again within 30 s.
 * A refusal by KPay will not pass soon, so it waits for the normal interval.
 */
export async function keepFresh<T>(options: KeepFreshOptions<T>): Promise<void> {
  const { clock, signal, everyMs, random } = options;
  let waitMs = random() * Math.min(START_WITHIN_MS, everyMs);
  while (!signal.aborted) {
    try {
      await clock.sleep(waitMs, signal);
    } catch {
      return;
    }
    waitMs = await readOnce(options, everyMs);
  }
}

/** @returns how long to wait before the next read. */
async function readOnce<T>(options: KeepFreshOptions<T>, everyMs: number): Promise<number> {
  const { read, clock, signal, onAnswer, onFailure } = options;
  try {
    const observed = await read({ lane: 'metrics', maxAgeMs: everyMs * DUE, signal });
    onAnswer(observed);
    const ageMs = clock.now() - observed.askedAt.getTime();
    return Math.min(everyMs, Math.max(everyMs - ageMs, everyMs * (1 - DUE)));
  } catch (error) {
    if (signal.aborted) return 0;
    onFailure(error);
    if (!(error instanceof RetryableError)) return everyMs;
    return Math.max(Math.min(everyMs, RETRY_MS), error.retryAfterMs ?? 0);
  }
}
