import type { Ledger, LedgerTransaction, TransferRow } from '@kpay/ledger';
import type { Queue } from 'bullmq';
import { sql } from 'kysely';
import { holdPaused } from '../holds/hold-paused.ts';
import { tendRefusals } from '../holds/refusals.ts';
import { wakeUnpaused } from '../holds/wake-unpaused.ts';
import { tendBreaker } from '../send/breaker.ts';
import { type AdvanceJob, addAdvanceJobs, advanceJobOf, HIGHEST_PRIORITY, MAX_LIVE_JOBS, readLiveJobs } from './advance-queue.ts';

const DUE_COLUMNS = [
  'id',
  'version',
  'priority',
  'created_at',
  'due_at',
  'owner',
  'source_country',
  'destination_country',
  'accepted_trace',
] as const;
type DueRow = Pick<TransferRow, (typeof DUE_COLUMNS)[number]>;
/** A due row with its priority after ageing, and its turn among the rows of the same owner, corridor and priority. */
type RankedRow = DueRow & { aged: number; turn: number };

/**
 * A waiting row rises by one priority step after each of these periods: after 27 s every row has the highest priority.
 */
const AGES_AFTER_MS = 3_000;
/** How many owners and corridors share the next sends, and how many rows each of them gets. */
const MAX_SHARES = 100;
const FIRST_OF_SHARE = 5;

/** With this many live jobs only the most urgent rows are read, so that they need not wait behind the rest. */
const ENOUGH_LIVE = 500;
const URGENT_ROWS = 50;

/**
 * Finds the due transfers of an account and makes an advance job for each, the most urgent first, then the oldest.
 * Because of the sweep the queue is disposable: whatever was lost is found again.
 *
 * @returns how many due rows it saw.
 */
export async function sweepDue(ledger: Ledger, account: string, queue: Queue<AdvanceJob>): Promise<number> {
  const live = await readLiveJobs(queue);
  const limit = live.ids.size < ENOUGH_LIVE ? MAX_LIVE_JOBS : URGENT_ROWS;
  await ledger.transaction((tx) => tendRefusals(tx, account));
  const due = await ledger.transaction(async (tx) => {
    await tendBreaker(tx, account);
    await wakeUnpaused(tx, account);
    await holdPaused(tx, account);
    return { lost: await lostAttempts(tx, account), rows: await mostUrgent(tx, account, limit) };
  });
  // A job without a priority comes before all that have one.
  const jobs = [...due.lost.map((row) => advanceJobOf(row, 0)), ...due.rows.map((row) => advanceJobOf(row))]
    // The jobs of the most urgent rows often exist already, and the queue would refuse them one by one.
    .filter(({ opts, replaces }) => !live.ids.has(opts.jobId) && !live.active.has(replaces ?? ''))
    .slice(0, Math.max(URGENT_ROWS, MAX_LIVE_JOBS - live.ids.size));
  await addAdvanceJobs(queue, jobs);
  return due.rows.length;
}

/** What rebuilding an account's advance queue did. */
export interface RebuiltJobs {
  /** How many advance jobs were removed. */
  thrownAway: number;
  /** How many were made: one for each due row, the most urgent first, up to the limit of live jobs. */
  made: number;
}

/**
 * Removes an account's advance jobs and makes new ones from the ledger. Jobs that a worker is processing stay. It is
 * safe at any time, and safe to repeat.
 */
export async function rebuildAdvanceQueue(ledger: Ledger, account: string, queue: Queue<AdvanceJob>): Promise<RebuiltJobs> {
  const counts = await queue.getJobCounts('wait', 'prioritized', 'delayed');
  await queue.drain(true);
  // Our jobs remove themselves when they fail. Jobs that others added may not.
  await queue.clean(0, MAX_LIVE_JOBS, 'failed');
  const thrownAway = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { thrownAway, made: await sweepDue(ledger, account, queue) };
}

/**
 * Finds attempts whose lease has ended, at any priority. Until they count as unknown, the state does not show that
 * money may have moved, and counting them costs no request. Behind a backlog they would otherwise wait for hours.
 */
async function lostAttempts({ db, now }: LedgerTransaction, account: string): Promise<DueRow[]> {
  return db
    .selectFrom('kpay.transfers')
    .select([...DUE_COLUMNS])
    .where('account', '=', account)
    .where('state', 'in', ['submitting', 'unconfirmed'])
    .where('lease_until', '<=', now)
    .orderBy('lease_until')
    .limit(URGENT_ROWS)
    .execute();
}

/**
 * Reads the due rows that come next. It takes several reads because they need several indexes: nearly all queued rows
 * are due and their backlog can have any length, while few rows of other states are due. The rows that have waited
 * longest and the first of each owner's corridor are always included, however long another owner's backlog is.
 */
async function mostUrgent({ db, now }: LedgerTransaction, account: string, limit: number): Promise<RankedRow[]> {
  const due = db
    .selectFrom('kpay.transfers')
    .select([...DUE_COLUMNS])
    .where('account', '=', account)
    .where('due_at', '<=', now);
  const byPriority = due.orderBy('priority', 'desc').orderBy('created_at').limit(limit);
  const queued = await byPriority.where('state', '=', 'queued').execute();
  const rows = [...queued, ...(await byPriority.where('state', '<>', 'queued').execute())];
  // With fewer rows than the limit, all rows are already included.
  if (queued.length === limit) {
    rows.push(...(await due.where('state', '=', 'queued').orderBy('due_at').limit(URGENT_ROWS).execute()));
    rows.push(...(await firstOfShares({ db, now }, account)));
  }
  const found = new Map(rows.map((row) => [row.id, row]));
  return rankFairly([...found.values()], now).slice(0, limit);
}

/** Reads the first queued rows of each owner and corridor by skipping from one group to the next in the index. */
async function firstOfShares({ db, now }: Pick<LedgerTransaction, 'db' | 'now'>, account: string): Promise<DueRow[]> {
  const queued = sql`kpay.transfers where account = ${account} and state = 'queued'`;
  const share = sql.raw('owner, source_country, destination_country');
  const { rows } = await sql<DueRow>`
    with recursive shares as (
      (select ${share} from ${queued} order by ${share} limit 1)
      union all
      select following.* from shares, lateral (
        select ${share} from ${queued}
          and (${share}) > (shares.owner, shares.source_country, shares.destination_country)
        order by ${share} limit 1
      ) as following
    )
    select firsts.* from (select * from shares limit ${MAX_SHARES}) as shares, lateral (
      select ${sql.raw(DUE_COLUMNS.join(', '))} from ${queued} and due_at <= ${now}
        and owner = shares.owner and source_country = shares.source_country and destination_country = shares.destination_country
      order by priority desc, created_at limit ${FIRST_OF_SHARE}
    ) as firsts`.execute(db);
  return rows;
}

/**
 * Orders rows by priority. Within a priority, owners and corridors take turns, the oldest row of each first. A row that
 * has been due for long enough has the highest priority, so one owner's urgent transfers cannot delay all others for
 * minutes.
 */
export function rankFairly(rows: readonly DueRow[], now: Date): RankedRow[] {
  const taken = new Map<string, number>();
  return rows
    .map((row) => ({ ...row, aged: agedPriority(row, now) }))
    .sort((a, b) => b.aged - a.aged || b.priority - a.priority || a.created_at.getTime() - b.created_at.getTime())
    .map((row) => {
      const share = [row.aged, row.owner, row.source_country, row.destination_country].join(' ');
      const turn = taken.get(share) ?? 0;
      taken.set(share, turn + 1);
      return { ...row, turn };
    })
    .sort((a, b) => b.aged - a.aged || a.turn - b.turn || a.created_at.getTime() - b.created_at.getTime());
}

function agedPriority({ priority, due_at: dueAt }: DueRow, now: Date): number {
  const waitedMs = dueAt ? now.getTime() - dueAt.getTime() : 0;
  return waitedMs >= (HIGHEST_PRIORITY - priority) * AGES_AFTER_MS ? HIGHEST_PRIORITY : priority;
}
