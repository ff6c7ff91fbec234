import { setTimeout as delay } from 'node:timers/promises';
import type { Ledger, LedgerTransaction } from '@kpay/ledger';
import { sql } from 'kysely';
import type { SinkEvent } from '../plugins/plugin.ts';
import { eventsBetween, highestId, viewOf } from './deliver-to-sink.ts';

/** The event log for readers of this process that each keep a position of their own. */
export interface EventFeed {
  /** The position of a reader that wants what happens from now on. */
  start(signal: AbortSignal): Promise<string>;
  /**
   * The next events after a position, in the order of ids; none is ever skipped. Empty when none is decided yet.
   * @throws AheadOfLedger
   */
  after(position: string): Promise<SinkEvent[]>;
  /** Resolves when there may be more after a position; at the latest after a while. */
  more(position: string, signal: AbortSignal): Promise<void>;
}

/** A position that this ledger has not come to: it was restored from a backup since. */
export class AheadOfLedger extends Error {
  override readonly name = 'AheadOfLedger';
}

const LOOK_EVERY_MS = 200;
const MAX_EVENTS = 100;
// Under load there is always a next horizon, and the readers are waiting.
const STEPS_AT_ONCE = 4;

interface Horizon {
  id: string;
  /** Everything up to `id` is decided once all transactions before this one are over. */
  xid: string;
}

/**
 * Event ids are given out before their transactions commit, so a higher one can be seen while a lower one is still to
 * come. Readers are kept behind a horizon, as sinks are (docs/decisions/0015); here it is the process's and not the
 * ledger's, because a reader that comes back says itself where it was.
 */
export function createEventFeed(ledger: Ledger, { lookEveryMs = LOOK_EVERY_MS }: { lookEveryMs?: number } = {}): EventFeed {
  /** Every event up to this id has come or never will. */
  let decided = '0';
  let ahead: Horizon | undefined;
  let next: Promise<void> | undefined;

  async function look(): Promise<void> {
    for (let step = 0; step < STEPS_AT_ONCE; step += 1) {
      const waiting = ahead;
      if (!waiting) {
        const seen = await ledger.transaction((tx) => takeHorizon(tx, decided));
        if (seen.horizon === undefined) decided = seen.top;
        ahead = seen.horizon;
        if (!ahead) return;
        continue;
      }
      const state = await ledger.transaction((tx) => stateOf(tx, waiting));
      if (state === 'undecided') return;
      if (state === 'decided') decided = waiting.id;
      ahead = undefined;
    }
  }
  /** One look for all who wait. */
  function lookSoon(): Promise<void> {
    next ??= delay(lookEveryMs)
      .then(look)
      .finally(() => {
        next = undefined;
      });
    return next;
  }
  return {
    async start(signal) {
      await lookSoon();
      const now = ahead?.id ?? decided;
      while (BigInt(decided) < BigInt(now) && !signal.aborted) await lookSoon();
      return decided;
    },
    async after(position) {
      if (BigInt(position) < BigInt(decided)) {
        return (await ledger.transaction((tx) => eventsBetween(tx, position, decided, MAX_EVENTS))).map(viewOf);
      }
      if (position === decided) return [];
      // Another process may be further than this one; nobody is further than the ledger.
      const top = await ledger.transaction(highestId);
      if (BigInt(position) > BigInt(top)) throw new AheadOfLedger(`there is no event ${position}: the last one is ${top}`);
      return [];
    },
    async more(position, signal) {
      if (BigInt(decided) > BigInt(position)) return;
      const left = Promise.withResolvers<void>();
      const leave = () => left.resolve();
      if (signal.aborted) leave();
      signal.addEventListener('abort', leave, { once: true });
      try {
        await Promise.race([lookSoon(), left.promise]);
      } finally {
        // A reader looks for as long as it is there.
        signal.removeEventListener('abort', leave);
      }
    },
  };
}

/** First the highest id is looked at, then a transaction id is taken: that is above those of all that hold a lower id. */
async function takeHorizon(tx: LedgerTransaction, decided: string): Promise<{ top: string; horizon: Horizon | undefined }> {
  const top = await highestId(tx);
  if (BigInt(top) <= BigInt(decided)) return { top, horizon: undefined };
  const { rows } = await sql<{ xid: string }>`select pg_current_xact_id()::text as xid`.execute(tx.db);
  if (!rows[0]) throw new Error('the database told no transaction id');
  return { top, horizon: { id: top, xid: rows[0].xid } };
}

async function stateOf({ db }: LedgerTransaction, { xid }: Horizon): Promise<'decided' | 'undecided' | 'foreign'> {
  const { rows } = await sql<{ decided: boolean; foreign: boolean }>`
    select ${xid}::xid8 <= pg_snapshot_xmin(pg_current_snapshot()) as decided,
      ${xid}::xid8 >= pg_snapshot_xmax(pg_current_snapshot()) as foreign`.execute(db);
  // A server that has not come to it is another one than that which gave it out.
  if (rows[0]?.foreign) return 'foreign';
  return rows[0]?.decided ? 'decided' : 'undecided';
}
