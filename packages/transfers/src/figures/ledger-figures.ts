import { sql } from 'kysely';
import { isBreakerOpen, unknownStreakOf } from '../breaker.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { listPauses } from '../pauses.ts';
import type { TransferState } from '../states.ts';

/** What an account's rows of the ledger add up to now. */
export interface LedgerFigures {
  /** Transfers that are not at their end, by state and by why. */
  unfinished: readonly UnfinishedFigure[];
  breakerOpen: boolean;
  /** Pauses in force that stop something of the account. */
  pauses: Readonly<Record<'all' | 'account' | 'corridor', number>>;
}

export interface UnfinishedFigure {
  state: TransferState;
  /** Of `holding` and `review`; null elsewhere. */
  reasonCode: string | null;
  count: number;
  /** How long the oldest is in it, by what counts there: see `sinceSql`. */
  oldestMs: number;
}

// Since when a row waits. A hold is renewed and a re-send repeated, so for these it is not the latest change.
const sinceSql = sql`case state when 'unconfirmed' then coalesce(unknown_since, updated_at)
  when 'holding' then created_at when 'awaiting_approval' then created_at else updated_at end`;

/** Reads only rows that are not at their end, which indexes find however many have ended. */
export async function readLedgerFigures(ledger: Ledger, account: string): Promise<LedgerFigures> {
  const { rows, breakerOpen } = await ledger.transaction(async ({ db, now }) => {
    const counted = await sql<{ state: TransferState; reason_code: string | null; count: string; oldest_ms: string }>`
      select state, case when state in ('holding', 'review') then reason_code end as reason_code, count(*) as count,
        greatest(0, extract(epoch from ${now}::timestamptz - min(${sinceSql})) * 1000) as oldest_ms
      from kpay.transfers
      where account = ${account} and state in ('awaiting_approval', 'queued', 'holding', 'submitting', 'unconfirmed', 'review')
      group by 1, 2`.execute(db);
    return { rows: counted.rows, breakerOpen: await isBreakerOpen(db, account, await unknownStreakOf(db, account)) };
  });
  const inForce = (await listPauses(ledger)).filter((pause) => pause.account === null || pause.account === account);
  const pausesOf = (scope: 'all' | 'account' | 'corridor') => inForce.filter((pause) => pause.scope === scope).length;
  return {
    unfinished: rows.map(({ state, reason_code: reasonCode, count, oldest_ms: oldestMs }) => ({
      state,
      reasonCode,
      count: Number(count),
      oldestMs: Number(oldestMs),
    })),
    breakerOpen,
    pauses: { all: pausesOf('all'), account: pausesOf('account'), corridor: pausesOf('corridor') },
  };
}

/** How many transfers of an account came to each end. It reads an index over all of them: not every second. */
export async function countFinished(ledger: Ledger, account: string): Promise<ReadonlyMap<TransferState, number>> {
  const { rows } = await sql<{ state: TransferState; count: string }>`
    select state, count(*) as count from kpay.transfers where account = ${account} and finished_at is not null
    group by state`.execute(ledger.db);
  return new Map(rows.map(({ state, count }) => [state, Number(count)]));
}
