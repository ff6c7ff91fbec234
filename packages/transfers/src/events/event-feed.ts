import { setTimeout as delay } from 'node:timers/promises';
import type { Ledger, LedgerTransaction } from '@kpay/ledger';
import { sql } from 'kysely';
import type { SinkEvent } from '../plugins/plugin.ts';
import { eventsBetween, highestId, viewOf } from './deliver-to-sink.ts';

/** The event log for several readers in this process, each with a position of its own. */
export interface EventFeed {
  /** The position for a reader that wants only future events. */
  start(signal: AbortSignal): Promise<string>;
  /**
   * Reads the next events after a position, in the order of their ids. It never skips one. Empty when none is decided
   * yet.
   *
   * @throws AheadOfLedger
   */
  after(position: string): Promise<SinkEvent[]>;
  /** Resolves when there may be events after a position, and after a while in any case. */
  more(position: string, signal: AbortSignal): Promise<void>;
}

/** The position is beyond the end of this ledger. The ledger was restored from a backup since then. */
export class AheadOfLedger extends Error {
  override readonly name = 'AheadOfLedger';
}

const POLL_EVERY_MS = 200;
const MAX_EVENTS = 100;
// Under load there is always a next horizon, and readers are waiting.
const STEPS_AT_ONCE = 4;

interface Horizon {
  id: string;
  /** Everything up to `id` is decided once all transactions before this one have ended. */
  xid: string;
}

/**
 * Makes a feed. Ids are assigned before transactions commit, so a higher id can be visible before a lower one. Readers
 * therefore stay behind a horizon, as sinks do (docs/decisions/0015). Here the process keeps the horizon, not the
 * ledger, because a reader that comes back says where it was.
 */
export function createEventFeed(ledger: Ledger, { pollEveryMs = POLL_EVERY_MS }: { pollEveryMs?: number } = {}): EventFeed {
  /** No event up to this id can still appear. */
  let decided = '0';
  let ahead: Horizon | undefined;
  let next: Promise<void> | undefined;

  async function poll(): Promise<void> {
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
  /** One read serves all who wait. */
  function pollSoon(): Promise<void> {
    next ??= delay(pollEveryMs)
      .then(poll)
      .finally(() => {
        next = undefined;
      });
    return next;
  }
  return {
    async start(signal) {
      await pollSoon();
      const now = ahead?.id ?? decided;
      while (BigInt(decided) < BigInt(now) && !signal.aborted) await pollSoon();
      return decided;
    },
    async after(position) {
      if (BigInt(position) < BigInt(decided)) {
        return (await ledger.transaction((tx) => eventsBetween(tx, position, decided, MAX_EVENTS))).map(viewOf);
      }
      if (position === decided) return [];
      // Another process may be ahead of this one, but no process is ahead of the ledger.
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
        await Promise.race([pollSoon(), left.promise]);
      } finally {
        // A reader stays subscribed only while it is connected.
        signal.removeEventListener('abort', leave);
      }
    },
  };
}

/**
 * Reads the highest id first and takes a transaction id second. Every transaction that holds a lower event id then has
 * a lower transaction id.
 */
async function takeHorizon(tx: LedgerTransaction, decided: string): Promise<{ top: string; horizon: Horizon | undefined }> {
  const top = await highestId(tx);
  if (BigInt(top) <= BigInt(decided)) return { top, horizon: undefined };
  const { rows } = await sql<{ xid: string }>`select pg_current_xact_id()::text as xid`.execute(tx.db);
  if (!rows[0]) throw new Error('the database returned no transaction id');
  return { top, horizon: { id: top, xid: rows[0].xid } };
}

async function stateOf({ db }: LedgerTransaction, { xid }: Horizon): Promise<'decided' | 'undecided' | 'foreign'> {
  const { rows } = await sql<{ decided: boolean; foreign: boolean }>`
    select ${xid}::xid8 <= pg_snapshot_xmin(pg_current_snapshot()) as decided,
      ${xid}::xid8 >= pg_snapshot_xmax(pg_current_snapshot()) as foreign`.execute(db);
  // A transaction id that this server has not reached came from another server.
  if (rows[0]?.foreign) return 'foreign';
  return rows[0]?.decided ? 'decided' : 'undecided';
}
