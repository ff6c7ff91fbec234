import type { Clock } from '../time/clock.ts';
import { isStillGood } from '../time/still-good.ts';
import { type Lane, lanes } from './budget-store.ts';

/** A text that processes share, and when it was asked for and came, by `Clock.now`. */
export interface SharedEntry {
  /** The value; its form is its owner's. */
  text: string;
  /** When KPay was asked, in milliseconds since 1970. */
  askedAtMs: number;
  /** When its answer was read, in milliseconds since 1970. */
  answeredAtMs: number;
}

/**
 * Where processes share what they have asked KPay for, and agree on who asks next. Each method is one atomic step
 * (one script in Redis). Everything in it can be lost at any time: it is asked for again.
 */
export interface SharedStore {
  /** The entry of a key; undefined when there is none. */
  read(key: string): Promise<SharedEntry | undefined>;
  /**
   * Makes `holder` the one that refreshes `key`, for `forMs` at most, unless another one is. Answers the entry as it
   * is in that moment, because the last holder may just have written it.
   *
   * One who asks in a more urgent lane takes the lock over: the holder may wait for its budget for long. At worst KPay is
   * asked once more. Without a `lane` nothing is taken over.
   */
  lock(key: string, holder: string, forMs: number, lane?: Lane): Promise<{ locked: boolean; entry: SharedEntry | undefined }>;
  /**
   * Writes an entry, to be forgotten after `keepMs`, unless a later asked one is there already. One that lies in the
   * future is not later: a clock was set back since.
   */
  write(key: string, entry: SharedEntry, keepMs: number): Promise<void>;
  /** Ends the lock, if `holder` still has it. */
  unlock(key: string, holder: string): Promise<void>;
  /** Removes the entry, if its text is still this one. */
  forget(key: string, text: string): Promise<void>;
}

/** Whose lock gives way to whose: the lower rank is the more urgent one. */
export function rankOf(lane: Lane | undefined): number {
  return lane === undefined ? lanes.length - 1 : lanes.indexOf(lane);
}

/** A store for one process. */
export function createMemorySharedStore({ clock }: { clock: Clock }): SharedStore {
  const entries = new Map<string, SharedEntry & { forgetAtMs: number }>();
  const locks = new Map<string, { holder: string; untilMs: number; rank: number }>();

  function entryOf(key: string): SharedEntry | undefined {
    const kept = entries.get(key);
    if (!kept || kept.forgetAtMs <= clock.monotonicMs()) return undefined;
    const { text, askedAtMs, answeredAtMs } = kept;
    return { text, askedAtMs, answeredAtMs };
  }

  return {
    async read(key) {
      return entryOf(key);
    },
    async lock(key, holder, forMs, lane) {
      const nowMs = clock.monotonicMs();
      const lock = locks.get(key);
      const rank = rankOf(lane);
      const locked = !lock || lock.untilMs <= nowMs || rank < lock.rank;
      if (locked) locks.set(key, { holder, untilMs: nowMs + forMs, rank });
      return { locked, entry: entryOf(key) };
    },
    async write(key, entry, keepMs) {
      const known = entryOf(key);
      const later = known && known.askedAtMs > entry.askedAtMs;
      if (later && isStillGood({ sinceMs: known.askedAtMs, forMs: Number.POSITIVE_INFINITY }, clock.now())) return;
      entries.set(key, { ...entry, forgetAtMs: clock.monotonicMs() + keepMs });
    },
    async unlock(key, holder) {
      if (locks.get(key)?.holder === holder) locks.delete(key);
    },
    async forget(key, text) {
      if (entries.get(key)?.text === text) entries.delete(key);
    },
  };
}
