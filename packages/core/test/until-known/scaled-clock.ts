import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../src/time/clock.ts';

/** Time that runs `scale` times as fast as the machine's. Processes with the same `baseMs` agree on the date. */
export function createScaledClock({ scale, baseMs }: { scale: number; baseMs: number }): Clock {
  return {
    now: () => baseMs + (Date.now() - baseMs) * scale,
    monotonicMs: () => performance.now() * scale,
    sleep: (ms, signal) => delay(Math.ceil(ms / scale), undefined, signal && { signal }),
    startTimer(ms, end) {
      const timer = setTimeout(end, Math.ceil(ms / scale));
      return () => clearTimeout(timer);
    },
  };
}
