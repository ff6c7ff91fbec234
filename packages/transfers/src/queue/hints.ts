import type { Ledger, LedgerTransaction, TransferRow } from '@kpay/ledger';
import { queuePrefix } from '@kpay/producer';
import type { Queue } from 'bullmq';
import { sql } from 'kysely';
import { holdPaused } from '../holds/hold-paused.ts';
import { tendRefusals } from '../holds/refusals.ts';
import { wakeUnpaused } from '../holds/wake-unpaused.ts';
import { tendBreaker } from '../send/breaker.ts';
import { carryTrace } from '../send/trace-step.ts';

/** The name of every job in an advance queue. */
export const ADVANCE_JOB = 'advance';

/** A hint: look at this transfer, it is due. It carries nothing else, so that losing or repeating it changes nothing. */
export interface Hint {
  transferId: string;
}

/** The queue of an account's hints, separate from its transfer queue so that hints that wait for budget never block intake. */
export function advanceQueueName(account: string): string {
  return `kpay-advance-${account}`;
}

/**
 * Tells the workers of transfers of any of these accounts.
 * @param open makes a BullMQ queue by its name and prefix.
 */
export function createHinter(
  accounts: Iterable<string>,
  open: (name: string, options: { prefix: string }) => Queue<Hint>,
): (transfer: TransferRow) => Promise<void> {
  const hints = new Map(
    [...accounts].map((name) => [name, createHint(open(advanceQueueName(name), { prefix: queuePrefix(name) }))]),
  );
  return async (transfer) => hints.get(transfer.account)?.(transfer);
}

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
/** A due row with the priority that it has by now, and its turn among those of its caller, corridor and priority. */
type RankedRow = DueRow & { aged: number; turn: number };

const HIGHEST = 9;
/** A row that has been due for this long for each step below the highest priority has the highest: after 27 s all have. */
const AGES_AFTER_MS = 3_000;
/** So many callers' corridors share what is sent next, each with so many at a time. */
const MOST_SHARES = 100;
const FIRST_OF_SHARE = 5;

// More than this many live hints of an account would only be memory: KPay takes 100 requests a minute.
const MOST_LIVE = 1_000;
// With this many waiting, only the most urgent rows are looked at, so that they need not wait behind the rest.
const ENOUGH_LIVE = 500;
const URGENT_ROWS = 50;

// With this many waiting a new one would not be taken at once anyway.
const BUSY_LIVE = 100;
// So long it is not asked again whether there are still that many.
const BUSY_FOR_MS = 100;

/**
 * Tells the workers that a transfer is due, unless they have enough to do already; then the sweep will. What comes while some
 * are told is told together after them: under load a round trip for each would cost more than accepting it.
 */
export function createHint(queue: Queue<Hint>): (transfer: TransferRow) => Promise<void> {
  let askAgainMs = Number.NEGATIVE_INFINITY;
  let due: TransferRow[] = [];
  let told = Promise.resolve();
  const tellDue = async () => {
    const rows = due;
    due = [];
    if ((await liveHints(queue)) < BUSY_LIVE) await queue.addBulk(rows.map((row) => hintOf(row)));
    else askAgainMs = performance.now() + BUSY_FOR_MS;
  };
  return async (row) => {
    if (performance.now() < askAgainMs || due.length >= BUSY_LIVE) return;
    if (due.push(row) === 1) told = told.then(tellDue, tellDue);
    await told;
  };
}

/**
 * Finds what is due in an account and makes a hint for it, the most urgent first, then the oldest. It is what makes
 * the queue disposable: whatever was lost is found here.
 *
 * @returns how many due rows it saw.
 */
export async function sweepDue(ledger: Ledger, account: string, queue: Queue<Hint>): Promise<number> {
  const live = new Set(await queue.getRanges([...LIVE], 0, -1));
  const limit = live.size < ENOUGH_LIVE ? MOST_LIVE : URGENT_ROWS;
  await ledger.transaction((tx) => tendRefusals(tx, account));
  const due = await ledger.transaction(async (tx) => {
    await tendBreaker(tx, account);
    await wakeUnpaused(tx, account);
    await holdPaused(tx, account);
    return { lost: await lostAttempts(tx, account), rows: await mostUrgent(tx, account, limit) };
  });
  // Without a priority a job is before all that have one.
  const hints = [...due.lost.map((row) => hintOf(row, 0)), ...due.rows.map((row) => hintOf(row))]
    // The queue would refuse them one by one: the most urgent rows are those whose hints wait already.
    .filter(({ opts }) => !live.has(opts.jobId))
    .slice(0, Math.max(URGENT_ROWS, MOST_LIVE - live.size));
  if (hints.length > 0) await queue.addBulk(hints);
  return due.rows.length;
}

export interface RebuiltHints {
  /** How many hints were thrown away. */
  thrownAway: number;
  /** How many were made: one for each due row, the most urgent first, as many as may live at once. */
  made: number;
}

/**
 * Throws an account's hints away and makes new ones from the ledger. Hints that a worker is at stay: it finishes them,
 * and what they are about is in the ledger. So this is safe at any time, and so is doing it twice.
 */
export async function rebuildHints(ledger: Ledger, account: string, queue: Queue<Hint>): Promise<RebuiltHints> {
  const counts = await queue.getJobCounts('wait', 'prioritized', 'delayed');
  await queue.drain(true);
  // Our hints remove themselves when they fail; others may not have.
  await queue.clean(0, MOST_LIVE, 'failed');
  const thrownAway = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { thrownAway, made: await sweepDue(ledger, account, queue) };
}

/**
 * Attempts whose lease ran out, whatever their priority: until they are counted as unknown nobody knows that money may have
 * moved, and finding out asks KPay nothing. In their turn behind a backlog they would wait for hours.
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
 * Several reads, because they need several indexes: nearly all that is queued is due, and may be a backlog of any length; of the
 * rest nearly nothing is. Of what is queued those that wait longest and the first of each caller's corridor are among
 * them, however long the backlog of another is.
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
  // With fewer all of them are there already.
  if (queued.length === limit) {
    rows.push(...(await due.where('state', '=', 'queued').orderBy('due_at').limit(URGENT_ROWS).execute()));
    rows.push(...(await firstOfShares({ db, now }, account)));
  }
  const found = new Map(rows.map((row) => [row.id, row]));
  return rankFairly([...found.values()], now).slice(0, limit);
}

/** The first of what each caller has queued for each corridor, from one to the next in the index. */
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
    select firsts.* from (select * from shares limit ${MOST_SHARES}) as shares, lateral (
      select ${sql.raw(DUE_COLUMNS.join(', '))} from ${queued} and due_at <= ${now}
        and owner = shares.owner and source_country = shares.source_country and destination_country = shares.destination_country
      order by priority desc, created_at limit ${FIRST_OF_SHARE}
    ) as firsts`.execute(db);
  return rows;
}

/**
 * By priority; among those of one priority callers and corridors take turns, the oldest of each first. Whoever has been due
 * for long enough has the highest priority: nobody's urgent orders keep everybody for minutes.
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
  return waitedMs >= (HIGHEST - priority) * AGES_AFTER_MS ? HIGHEST : priority;
}

/** The states of a hint that is not over. */
const LIVE = ['wait', 'prioritized', 'active'] as const;

async function liveHints(queue: Queue<Hint>): Promise<number> {
  const counts = await queue.getJobCounts(...LIVE);
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** A hint for a row whose turn is not known comes after those of a sweep of as many as wait at most when it is made. */
const NO_TURN = BUSY_LIVE;

// BullMQ's most urgent is 1.
function hintOf(
  row: Pick<TransferRow, 'id' | 'version' | 'priority' | 'accepted_trace'> & { aged?: number; turn?: number },
  priority = (HIGHEST - (row.aged ?? row.priority)) * 2 * MOST_LIVE + Math.min(row.turn ?? NO_TURN, 2 * MOST_LIVE - 1) + 1,
) {
  const aged = row.aged !== undefined && row.aged > row.priority ? '-aged' : '';
  return {
    name: ADVANCE_JOB,
    data: { transferId: row.id },
    opts: {
      // The version in the id: a row that moved on needs a hint of its own even while the old one is still there. So does one
      // that became more urgent.
      jobId: `t-${row.id}-${row.version}${aged}`,
      priority,
      removeOnComplete: true,
      removeOnFail: true,
      ...carryTrace(row),
    },
  };
}
