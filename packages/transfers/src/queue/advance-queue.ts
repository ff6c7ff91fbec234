import type { TransferRow } from '@kpay/ledger';
import { queuePrefix } from '@kpay/producer';
import type { Queue } from 'bullmq';
import { carryTrace } from '../send/trace-step.ts';

/** The name of every job in an advance queue. */
export const ADVANCE_JOB = 'advance';

/** The data of a hint: "advance this transfer, it is due". It carries nothing else, so it may be lost or repeated. */
export interface Hint {
  transferId: string;
}

/** The queue of an account's hints, separate from its transfer queue so that hints that wait for budget never block intake. */
export function advanceQueueName(account: string): string {
  return `kpay-advance-${account}`;
}

/** The highest priority of a transfer. */
export const HIGHEST_PRIORITY = 9;
/** The most live hints of an account. More would only use memory, because KPay takes 100 requests a minute. */
export const MAX_LIVE_HINTS = 1_000;
/** With this many live hints a new one would not be taken at once, so the sweep makes it later. */
const BUSY_HINTS = 100;
/** For how long an advance queue that was busy is not asked again. */
const BUSY_FOR_MS = 100;

/**
 * Makes a function that notifies the workers of a due transfer of any of these accounts.
 * @param open opens a BullMQ queue by its name and prefix.
 */
export function createAdvanceNotifiers(
  accounts: Iterable<string>,
  open: (name: string, options: { prefix: string }) => Queue<Hint>,
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
export function createAdvanceNotifier(queue: Queue<Hint>): (transfer: TransferRow) => Promise<void> {
  let askAgainMs = Number.NEGATIVE_INFINITY;
  let due: TransferRow[] = [];
  let notified = Promise.resolve();
  const notify = async () => {
    const rows = due;
    due = [];
    if ((await countLiveHints(queue)) < BUSY_HINTS)
      await addHints(
        queue,
        rows.map((row) => hintOf(row)),
      );
    else askAgainMs = performance.now() + BUSY_FOR_MS;
  };
  return async (row) => {
    if (performance.now() < askAgainMs || due.length >= BUSY_HINTS) return;
    if (due.push(row) === 1) notified = notified.then(notify, notify);
    await notified;
  };
}

/** The states of a job that is not over. */
const LIVE = ['wait', 'prioritized', 'active'] as const;

async function countLiveHints(queue: Queue<Hint>): Promise<number> {
  const counts = await queue.getJobCounts(...LIVE);
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** The ids of the hints that are not over, and of those among them that a worker is processing. */
export interface LiveHints {
  ids: ReadonlySet<string>;
  active: ReadonlySet<string>;
}

/** Reads the live hints of a queue. A hint that a worker takes between the two reads is in both sets. */
export async function readLiveHints(queue: Queue<Hint>): Promise<LiveHints> {
  const waiting = await queue.getRanges(['wait', 'prioritized'], 0, -1);
  const active = await queue.getRanges(['active'], 0, -1);
  return { ids: new Set([...waiting, ...active]), active: new Set(active) };
}

/**
 * Adds hints, then removes the waiting ones that they replace. A second hint of a transfer that a worker is processing would
 * make another worker wait for a slot of the budget and give it back unused.
 */
export async function addHints(queue: Queue<Hint>, hints: readonly ReturnType<typeof hintOf>[]): Promise<void> {
  if (hints.length === 0) return;
  await queue.addBulk(hints.map(({ replaces, ...hint }) => hint));
  // Removing does nothing to a hint that is not there, or that a worker has taken meanwhile.
  await Promise.all(hints.map(({ replaces }) => replaces && queue.remove(replaces)));
}

/** A hint without a turn comes after those that a sweep gave one, as long as the queue is not busy. */
const NO_TURN = BUSY_HINTS;

/**
 * The job of a hint.
 * @param row `aged` and `turn` as the sweep ranked it, if it did.
 * @param priority BullMQ's: 1 is the most urgent, and a job with 0 comes before all others.
 */
export function hintOf(
  row: Pick<TransferRow, 'id' | 'version' | 'priority' | 'accepted_trace'> & { aged?: number; turn?: number },
  priority = (HIGHEST_PRIORITY - (row.aged ?? row.priority)) * 2 * MAX_LIVE_HINTS +
    Math.min(row.turn ?? NO_TURN, 2 * MAX_LIVE_HINTS - 1) +
    1,
) {
  const aged = row.aged !== undefined && row.aged > row.priority;
  // A row that has changed, or has become more urgent, needs another hint even while the old one is still there.
  const jobId = `t-${row.id}-${row.version}`;
  return {
    name: ADVANCE_JOB,
    data: { transferId: row.id },
    /** The id of the hint that a more urgent one makes superfluous. */
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
