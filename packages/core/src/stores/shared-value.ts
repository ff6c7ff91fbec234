import { randomUUID } from 'node:crypto';
import { abortedBy, RetryableError } from '../errors.ts';
import type { Clock } from '../time/clock.ts';
import type { Lane } from './budget-store.ts';
import type { SharedEntry, SharedStore } from './shared-store.ts';
import { createUrgency, type Urgency } from './urgency.ts';

export interface SharedValueOptions {
  store: SharedStore;
  key: string;
  clock: Clock;
  /**
   * For how long this process trusts what it last read, without asking the store again: so late it may notice what another
   * process wrote or forgot. Not at all unless given.
   */
  trustMs?: number | undefined;
}

export interface GetOptions {
  /** Whether an entry will do. One that was asked for after the call always does. */
  isFresh: (entry: SharedEntry) => boolean;
  /** Asks KPay, in the lane of the most urgent of all who wait by then. Only one call runs at a time in a process. */
  refresh: (urgency: Urgency) => Promise<{ text: string; keepMs: number }>;
  lane: Lane;
  signal?: AbortSignal | undefined;
  /** How long this caller waits for a refresh at most; as long as it takes unless given. */
  leaveAfterMs?: number | undefined;
}

/**
 * One value that many callers in many processes want: while a refresh is under way, all of them wait for that one.
 * A caller that leaves, leaves alone. One who is more urgent than a refresh under way makes it as urgent, and does not wait
 * for that of another process.
 */
export interface SharedValue {
  get(options: GetOptions): Promise<SharedEntry>;
  peek(): Promise<SharedEntry | undefined>;
  forget(text: string): Promise<void>;
}

/** A refresher that died is replaced after this. One that waits longer for budget can be joined by a second process. */
const LOCK_MS = 30_000;
const POLL_MS = 50;

/** An entry, and when this process began to ask for it by the monotonic clock, if it did. */
interface Landed {
  entry: SharedEntry;
  beganAtMs: number;
}

export function createSharedValue({ store, key, clock, trustMs = 0 }: SharedValueOptions): SharedValue {
  const holder = randomUUID();
  let trusted: { entry: SharedEntry; untilMs: number } | undefined;
  let flight: { landing: Promise<Landed>; urgency: Urgency } | undefined;

  async function refreshOnce({ isFresh, refresh }: GetOptions, urgency: Urgency): Promise<Landed> {
    for (;;) {
      const { locked, entry } = await store.lock(key, holder, LOCK_MS, urgency.lane).catch(outOfReach);
      try {
        if (entry && isFresh(entry)) return { entry, beganAtMs: Number.NEGATIVE_INFINITY };
        if (locked) {
          const beganAtMs = clock.monotonicMs();
          const askedAtMs = clock.now();
          const { text, keepMs } = await refresh(urgency);
          const fresh = { text, askedAtMs, answeredAtMs: clock.now() };
          // What came is good for those who wait for it, even when it cannot be shared with others.
          await store.write(key, fresh, keepMs).catch(() => {});
          return { entry: fresh, beganAtMs };
        }
      } finally {
        // A lock that cannot be ended ends by itself.
        if (locked) await store.unlock(key, holder).catch(() => {});
      }
      await clock.sleep(POLL_MS);
    }
  }

  function join(options: GetOptions): Promise<Landed> {
    if (flight) {
      flight.urgency.join(options.lane);
      return flight.landing;
    }
    const urgency = createUrgency(options.lane);
    const landing = refreshOnce(options, urgency);
    flight = { landing, urgency };
    const land = (): void => {
      flight = undefined;
    };
    landing.then(land, land);
    return landing;
  }

  function trust(entry: SharedEntry): SharedEntry {
    trusted = { entry, untilMs: clock.monotonicMs() + trustMs };
    return entry;
  }

  return {
    async get(options) {
      const calledAtMs = clock.monotonicMs();
      if (trusted && clock.monotonicMs() < trusted.untilMs && options.isFresh(trusted.entry)) return trusted.entry;
      const known = await store.read(key).catch(outOfReach);
      if (known && options.isFresh(known)) return trust(known);
      for (;;) {
        const { entry, beganAtMs } = await orLeft(join(options), options, clock);
        // A refresh that somebody began before this call can be too old for it.
        if (beganAtMs >= calledAtMs || options.isFresh(entry)) return trust(entry);
      }
    },
    peek: () => store.read(key).catch(outOfReach),
    forget: (text) => store.forget(key, text),
  };
}

function outOfReach(cause: unknown): never {
  throw new RetryableError('the store that processes share is out of reach', { reason: 'not_connected', cause });
}

/** Waits for `promise` until the caller leaves; what it waits for goes on. */
function orLeft<T>(promise: Promise<T>, { signal, leaveAfterMs }: GetOptions, clock: Clock): Promise<T> {
  const isBounded = leaveAfterMs !== undefined && leaveAfterMs !== Number.POSITIVE_INFINITY;
  if (!signal && !isBounded) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortedBy(signal));
    const onTimeout = (): void => reject(new RetryableError('no request may be sent to KPay now', { reason: 'no_budget' }));
    if (signal?.aborted) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    const stopTimer = isBounded ? clock.startTimer(leaveAfterMs, onTimeout) : undefined;
    promise.then(resolve, reject).finally(() => {
      signal?.removeEventListener('abort', onAbort);
      stopTimer?.();
    });
  });
}
