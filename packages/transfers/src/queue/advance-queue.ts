import type { TransferRow } from '@kpay/ledger';
import { queuePrefix } from '@kpay/producer';
import type { Queue } from 'bullmq';
import { carryTrace } from '../send/trace-step.ts';

/** The name of every job in an advance queue. */
export const ADVANCE_JOB = 'advance';

/**
 * The data of an advance job: "advance this transfer, it is due". It holds nothing else, so a job may be lost or
 * repeated.
 */
export interface AdvanceJob {
  transferId: string;
}

/**
 * The queue of an account's advance jobs. It is separate from the transfer queue, so that jobs that wait for budget
 * never block intake.
 */
export function advanceQueueName(account: string): string {
  return `kpay-advance-${account}`;
}

/** The highest priority of a transfer. */
export const HIGHEST_PRIORITY = 9;
/** The most live advance jobs of an account. More would only use memory, because KPay takes 100 requests a minute. */
export const MAX_LIVE_JOBS = 1_000;
/** With this many live jobs a new one would not be processed at once, so the sweep makes it later. */
const BUSY_JOBS = 100;
/** How long the length of a busy queue is not checked again. */
const BUSY_FOR_MS = 100;

/**
 * Makes a function that notifies the workers of a due transfer of any of these accounts.
 * @param open opens a BullMQ queue by its name and prefix.
 */
export function createAdvanceNotifiers(
  accounts: Iterable<string>,
  open: (name: string, options: { prefix: string }) => Queue<AdvanceJob>,
): (transfer: TransferRow) => Promise<void> {
  const notifiers = new Map(
    [...accounts].map((name) => [name, createAdvanceNotifier(open(advanceQueueName(name), { prefix: queuePrefix(name) }))]),
  );
  return async (transfer) => notifiers.get(transfer.account)?.(transfer);
}

/**
 * Makes a function that notifies the workers of a due transfer, unless the queue is busy already; then the sweep does it.
 * Transfers that arrive during a notification are sent together after it, because under load one round trip for each would
 * cost more than accepting it.
 */
export function createAdvanceNotifier(queue: Queue<AdvanceJob>): (transfer: TransferRow) => Promise<void> {
  let askAgainMs = Number.NEGATIVE_INFINITY;
  let due: TransferRow[] = [];
  let notified = Promise.resolve();
  const notify = async () => {
    const rows = due;
    due = [];
    if ((await countLiveJobs(queue)) < BUSY_JOBS)
      await addAdvanceJobs(
        queue,
        rows.map((row) => advanceJobOf(row)),
      );
    else askAgainMs = performance.now() + BUSY_FOR_MS;
  };
  return async (row) => {
    if (performance.now() < askAgainMs || due.length >= BUSY_JOBS) return;
    if (due.push(row) === 1) notified = notified.then(notify, notify);
    await notified;
  };
}

/** The states of a job that has not ended. */
const LIVE = ['wait', 'prioritized', 'active'] as const;

async function countLiveJobs(queue: Queue<AdvanceJob>): Promise<number> {
  const counts = await queue.getJobCounts(...LIVE);
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** The ids of the advance jobs that have not ended, and of those that a worker is processing. */
export interface LiveJobs {
  ids: ReadonlySet<string>;
  active: ReadonlySet<string>;
}

/** Reads the live jobs of a queue. A job that a worker takes between the two reads is in both sets. */
export async function readLiveJobs(queue: Queue<AdvanceJob>): Promise<LiveJobs> {
  const waiting = await queue.getRanges(['wait', 'prioritized'], 0, -1);
  const active = await queue.getRanges(['active'], 0, -1);
  return { ids: new Set([...waiting, ...active]), active: new Set(active) };
}

/**
 * Adds advance jobs, then removes the waiting jobs that they replace. A second job for a transfer that a worker is
 * processing would make another worker wait for a slot of the budget and give it back unused.
 */
export async function addAdvanceJobs(queue: Queue<AdvanceJob>, jobs: readonly ReturnType<typeof advanceJobOf>[]): Promise<void> {
  if (jobs.length === 0) return;
  await queue.addBulk(jobs.map(({ replaces, ...job }) => job));
  // Removing has no effect on a job that does not exist or that a worker has taken meanwhile.
  await Promise.all(jobs.map(({ replaces }) => replaces && queue.remove(replaces)));
}

/** A job without a turn comes after those to which a sweep gave one, while the queue is not busy. */
const NO_TURN = BUSY_JOBS;

/**
 * Makes the advance job of a transfer.
 *
 * @param row has `aged` and `turn` when the sweep ranked it.
 * @param priority BullMQ's priority: 1 is the most urgent, and a job with 0 comes before all others.
 */
export function advanceJobOf(
  row: Pick<TransferRow, 'id' | 'version' | 'priority' | 'accepted_trace'> & { aged?: number; turn?: number },
  priority = (HIGHEST_PRIORITY - (row.aged ?? row.priority)) * 2 * MAX_LIVE_JOBS +
    Math.min(row.turn ?? NO_TURN, 2 * MAX_LIVE_JOBS - 1) +
    1,
) {
  const aged = row.aged !== undefined && row.aged > row.priority;
  // A row that changed, or became more urgent, needs another job even while the old one still exists.
  const jobId = `t-${row.id}-${row.version}`;
  return {
    name: ADVANCE_JOB,
    data: { transferId: row.id },
    /** The id of the less urgent job that this one replaces. */
    replaces: aged ? jobId : undefined,
    opts: {
      jobId: aged ? `${jobId}-aged` : jobId,
      priority,
      removeOnComplete: true,
      removeOnFail: true,
      ...carryTrace(row),
    },
  };
}
