import type { IQueueBackend } from 'bullmq';

/** The longest blocking command of a worker takes ten seconds. */
const LATE_AFTER_MS = 30_000;
const STUCK_AFTER_MS = 120_000;

export interface WatchedQueue {
  prefix: string;
  name: string;
}

export interface FetchWatch {
  /** Watches the calls of a queue's worker to this backend. @returns the same backend. */
  watch<Backend extends Fetching>(queue: WatchedQueue, backend: Backend): Backend;
  forget(backend: Fetching): void;
  /** The queues whose worker waits in vain, for /healthz. */
  stuck(): readonly string[];
  /** Asks the stores of late workers whether they answer. Call it about every ten seconds. */
  check(): Promise<void>;
}

type Fetching = Pick<IQueueBackend, 'moveToActive' | 'waitForJob' | 'reconnectBlocking'>;

interface Fetches extends WatchedQueue {
  /** The calls without an answer, by the time when they were made. */
  open: Set<{ sinceMs: number }>;
  /** When the store was last found not to answer. */
  awayAtMs: number;
}

/**
 * Notices a BullMQ worker that asked for a job and never gets an answer, although its store answers others. Such a
 * worker reports that it is running but never works again. While all is well, this asks the store nothing.
 *
 * @param probe rejects while the store does not answer for a queue. Then no worker is stuck; it waits as long as the
 *   outage lasts.
 * @param nowMs a monotonic clock.
 */
export function watchFetches({
  probe,
  nowMs,
}: {
  probe: (queue: WatchedQueue) => Promise<unknown>;
  nowMs: () => number;
}): FetchWatch {
  const watched = new Map<Fetching, Fetches>();
  const lateMs = ({ open, awayAtMs }: Fetches) => {
    const [oldest] = open;
    return oldest ? nowMs() - Math.max(oldest.sinceMs, awayAtMs) : 0;
  };

  return {
    watch(queue, backend) {
      const open: Fetches['open'] = new Set();
      watched.set(backend, { ...queue, open, awayAtMs: 0 });
      const timed =
        <Args extends unknown[], Answer>(ask: (...args: Args) => Promise<Answer>) =>
        async (...args: Args) => {
          const question = { sinceMs: nowMs() };
          open.add(question);
          try {
            return await ask.apply(backend, args);
          } finally {
            open.delete(question);
          }
        };
      return Object.assign(backend, {
        moveToActive: timed(backend.moveToActive),
        waitForJob: timed(backend.waitForJob),
        reconnectBlocking: timed(backend.reconnectBlocking),
      });
    },
    forget: (backend) => void watched.delete(backend),
    stuck: () =>
      [...watched.values()]
        .map((fetches) => ({ name: fetches.name, ms: lateMs(fetches) }))
        .filter(({ ms }) => ms > STUCK_AFTER_MS)
        .map(({ name, ms }) => `queue ${name} has heard nothing for ${Math.floor(ms / 1_000)} s although Redis answers`),
    async check() {
      const late = [...watched.values()].filter((fetches) => lateMs(fetches) >= LATE_AFTER_MS);
      // All at once: a store that hangs takes seconds to fail, and each late worker must be excused in time.
      const excuse = (fetches: Fetches) => () => {
        fetches.awayAtMs = nowMs();
      };
      await Promise.all(late.map((fetches) => probe(fetches).catch(excuse(fetches))));
    },
  };
}
