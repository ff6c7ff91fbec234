import type { Ledger, TransferState } from '@kpay/ledger';
import { sql } from 'kysely';
import { listPauses } from '../holds/pauses.ts';
import { openBreakers } from '../send/breaker.ts';

/** Statistics of an account from its rows in the ledger. */
export interface LedgerStats {
  /** Transfers that have not ended, by state and reason. */
  unfinished: readonly UnfinishedStat[];
  breakerOpen: boolean;
  /** Pauses in force that stop transfers of the account. */
  pauses: Readonly<Record<'all' | 'account' | 'corridor', number>>;
}

export interface UnfinishedStat {
  state: TransferState;
  /** Of `holding` and `review`; null elsewhere. */
  reasonCode: string | null;
  /** The country and currency of the wallet in which a held transfer waits for money; null elsewhere. */
  wallet: { country: string; currency: string } | null;
  count: number;
  /** How long the oldest transfer has been in this state, measured as `sinceSql` says. */
  oldestMs: number;
}

// The start of the waiting time. A hold is renewed and a re-send is repeated, so for these states it is not the latest
// change.
const sinceSql = sql`case state when 'unconfirmed' then coalesce(unknown_since, updated_at)
  when 'holding' then created_at when 'awaiting_approval' then created_at else updated_at end`;

/**
 * Reads the statistics of all accounts together; one by one, hundreds of accounts would keep a process busy. It reads
 * only transfers that have not ended. Indexes find them, however many have ended.
 */
export async function readLedgerStats(ledger: Ledger, accounts: readonly string[]): Promise<ReadonlyMap<string, LedgerStats>> {
  const { rows, open } = await ledger.transaction(async ({ db, now }) => {
    const counted = await sql<{
      account: string;
      state: TransferState;
      reason_code: string | null;
      country: string | null;
      currency: string | null;
      count: string;
      oldest_ms: string;
    }>`
      select account, state, case when state in ('holding', 'review') then reason_code end as reason_code,
        case when state = 'holding' and reason_code = 'insufficient_funds' then source_country end as country,
        case when state = 'holding' and reason_code = 'insufficient_funds' then currency end as currency, count(*) as count,
        greatest(0, extract(epoch from ${now}::timestamptz - min(${sinceSql})) * 1000) as oldest_ms
      from kpay.transfers
      where account = any(${accounts}::text[])
        and state in ('awaiting_approval', 'queued', 'holding', 'submitting', 'unconfirmed', 'review')
      group by 1, 2, 3, 4, 5`.execute(db);
    return { rows: counted.rows, open: await openBreakers(db, accounts, now) };
  });
  const byAccount = Map.groupBy(rows, ({ account }) => account);
  const pauses = await listPauses(ledger);
  return new Map(
    accounts.map((account) => {
      const inForce = pauses.filter((pause) => pause.account === null || pause.account === account);
      const pausesOf = (scope: 'all' | 'account' | 'corridor') => inForce.filter((pause) => pause.scope === scope).length;
      const unfinished = (byAccount.get(account) ?? []).map((row) => ({
        state: row.state,
        reasonCode: row.reason_code,
        wallet: row.country === null || row.currency === null ? null : { country: row.country, currency: row.currency },
        count: Number(row.count),
        oldestMs: Number(row.oldest_ms),
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

/** What holds back readers of the event log: the oldest transaction on the server that may still write. */
export interface EventHorizon {
  /** The oldest transaction id that has not ended, in any database of the server, prepared transactions included. */
  xid: string;
  /** Whether a newer transaction exists. The newest one holds nobody back. */
  held: boolean;
  /**
   * How long the oldest visible transaction has been open; 0 when there is none. Those of other roles may be hidden.
   */
  openMs: number;
}

/**
 * Reads the horizon. Streams and sinks wait until every transaction older than their next event has ended
 * (docs/decisions/0015).
 */
export async function readEventHorizon({ db }: Ledger): Promise<EventHorizon> {
  const { rows } = await sql<{ xid: string; held: boolean; open_ms: string }>`
    select pg_snapshot_xmin(snapshot)::text as xid, pg_snapshot_xmin(snapshot) < pg_snapshot_xmax(snapshot) as held,
      greatest(0, coalesce(extract(epoch from clock_timestamp() - least(
        (select min(prepared) from pg_prepared_xacts),
        (select min(xact_start) from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid())
      )), 0) * 1000) as open_ms
    from (select pg_current_snapshot() as snapshot) as now`.execute(db);
  const [row] = rows;
  if (!row) throw new Error('the database returned no snapshot');
  return { xid: row.xid, held: row.held, openMs: Number(row.open_ms) };
}

/**
 * Counts the transfers of each account by final state. It reads an index over all ended transfers, so do not call it
 * every second.
 */
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
