import { sql } from 'kysely';
import { openBreakers } from '../breaker.ts';
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

/**
 * Reads only rows that are not at their end, which indexes find however many have ended. All accounts are read together: one by
 * one, hundreds of them keep a process busy.
 */
export async function readLedgerFigures(
  ledger: Ledger,
  accounts: readonly string[],
): Promise<ReadonlyMap<string, LedgerFigures>> {
  const { rows, open } = await ledger.transaction(async ({ db, now }) => {
    const counted = await sql<{
      account: string;
      state: TransferState;
      reason_code: string | null;
      count: string;
      oldest_ms: string;
    }>`
      select account, state, case when state in ('holding', 'review') then reason_code end as reason_code, count(*) as count,
        greatest(0, extract(epoch from ${now}::timestamptz - min(${sinceSql})) * 1000) as oldest_ms
      from kpay.transfers
      where account = any(${accounts}::text[])
        and state in ('awaiting_approval', 'queued', 'holding', 'submitting', 'unconfirmed', 'review')
      group by 1, 2, 3`.execute(db);
    return { rows: counted.rows, open: await openBreakers(db, accounts) };
  });
  const byAccount = Map.groupBy(rows, ({ account }) => account);
  const pauses = await listPauses(ledger);
  return new Map(
    accounts.map((account) => {
      const inForce = pauses.filter((pause) => pause.account === null || pause.account === account);
      const pausesOf = (scope: 'all' | 'account' | 'corridor') => inForce.filter((pause) => pause.scope === scope).length;
      const unfinished = (byAccount.get(account) ?? []).map(({ state, reason_code: reasonCode, count, oldest_ms: oldestMs }) => ({
        state,
        reasonCode,
        count: Number(count),
        oldestMs: Number(oldestMs),
      }));
      return [
        account,
        {
          unfinished,
          breakerOpen: open.has(account),
          pauses: { all: pausesOf('all'), account: pausesOf('account'), corridor: pausesOf('corridor') },
        },
      ];
    }),
  );
}

/** How many transfers of each account came to each end. It reads an index over all of them: not every second. */
export async function countFinished(
  ledger: Ledger,
  accounts: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<TransferState, number>>> {
  const { rows } = await sql<{ account: string; state: TransferState; count: string }>`
    select account, state, count(*) as count from kpay.transfers
    where account = any(${accounts}::text[]) and finished_at is not null
    group by account, state`.execute(ledger.db);
  const byAccount = Map.groupBy(rows, ({ account }) => account);
  return new Map(
    accounts.map((account) => [
      account,
      new Map((byAccount.get(account) ?? []).map(({ state, count }) => [state, Number(count)])),
    ]),
  );
}
