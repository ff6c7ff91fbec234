import type { Clock } from '../src/time/clock.ts';

export interface ManualClock extends Clock {
  /** Moves time on, waking every sleeper at its moment and letting what follows from it happen first. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock on or back, as a correction does; the monotonic one goes on. */
  set(byMs: number): void;
}

/** Time that only a test moves. */
export function createManualClock(startMs: number = Date.UTC(2026, 0, 1)): ManualClock {
  let elapsedMs = 0;
  let setMs = 0;
  const sleepers = new Set<{ atMs: number; wake: () => void }>();

  return {
    now: () => startMs + elapsedMs + setMs,
    set(byMs) {
      setMs += byMs;
    },
    monotonicMs: () => elapsedMs,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          sleepers.delete(sleeper);
          reject(signal?.reason);
        };
        const sleeper = {
          atMs: elapsedMs + ms,
          wake: () => {
            signal?.removeEventListener('abort', leave);
            resolve();
          },
        };
        if (signal?.aborted) return leave();
        signal?.addEventListener('abort', leave, { once: true });
        sleepers.add(sleeper);
      });
    },
    startTimer(ms, end) {
      const sleeper = { atMs: elapsedMs + ms, wake: end };
      sleepers.add(sleeper);
      return () => sleepers.delete(sleeper);
    },
    async advance(ms) {
      const untilMs = elapsedMs + ms;
      await settle();
      for (;;) {
        const next = [...sleepers].sort((a, b) => a.atMs - b.atMs)[0];
        if (!next || next.atMs > untilMs) break;
        sleepers.delete(next);
        elapsedMs = Math.max(elapsedMs, next.atMs);
        next.wake();
        await settle();
      }
      elapsedMs = untilMs;
      await settle();
    },
  };
}

/** Lets pending promises run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
