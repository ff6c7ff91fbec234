import { abortedBy, RetryableError } from '../errors.ts';
import type { Clock } from '../time/clock.ts';

export interface RetryOptions {
  /** How often a read that failed is asked again at most; 0 never. */
  maxRetries: number;
  /** Milliseconds from the call on within which another try may begin. */
  maxWaitMs: number;
  signal: AbortSignal | undefined;
  clock: Clock;
  random: () => number;
}

const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 8_000;

/**
 * Asks, and asks again after a failure that another try may mend. For reads alone: a transfer is never sent again by itself.
 *
 * It waits as long as KPay's Retry-After says, else 0.5 s, 1 s and so on, of which a random part up to a half is left out. A
 * wait that would pass `maxWaitMs` is not begun: the caller gets the failure. The signal ends it.
 *
 * @param ask gets the number of the try, from 1, and the milliseconds that are left of `maxWaitMs`.
 * @throws what `ask` throws; KpayAbortError when the signal ends a wait.
 */
export async function retryRead<T>(
  ask: (attempt: number, leftMs: number) => Promise<T>,
  { maxRetries, maxWaitMs, signal, clock, random }: RetryOptions,
): Promise<T> {
  const untilMs = clock.monotonicMs() + maxWaitMs;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask(attempt, Math.max(0, untilMs - clock.monotonicMs()));
    } catch (error) {
      if (attempt > maxRetries || !isWorthAnotherTry(error)) throw error;
      const ownMs = Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), MAX_WAIT_MS) * (1 - random() / 2);
      const waitMs = error.retryAfterMs ?? ownMs;
      if (clock.monotonicMs() + waitMs > untilMs) throw error;
      await clock.sleep(waitMs, signal).catch(() => {});
      if (signal?.aborted) throw abortedBy(signal);
    }
  }
}

/** Not after a wait for budget that was too long, nor when the keys changed: another try would end the same way. */
function isWorthAnotherTry(error: unknown): error is RetryableError {
  return error instanceof RetryableError && error.reason !== 'no_budget' && error.reason !== 'keys_changed';
}
