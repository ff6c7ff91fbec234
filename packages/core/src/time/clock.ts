import { setTimeout as delay } from 'node:timers/promises';

/** Time as this package sees it, so that tests can move it. */
export interface Clock {
  /** Milliseconds since the epoch: for dates, and for what several processes compare. */
  now(): number;
  /** Milliseconds that only ever grow: for leases and timeouts, which a corrected wall clock must not stretch. */
  monotonicMs(): number;
  /** Resolves after `ms`. Rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Runs `end` once after `ms`, unless what it returns is called before. Every request has one, so it must be cheap. */
  startTimer(ms: number, end: () => void): () => void;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) => delay(Math.ceil(ms), undefined, signal && { signal }),
  startTimer(ms, end) {
    const timer = setTimeout(end, Math.ceil(ms));
    return () => clearTimeout(timer);
  },
};
