import { type TransferJobData, type TransferJobResult, transferJobProgressSchema } from '@kpay/producer';
import { type Logger, traceJob } from '@kpay/runtime';
import {
  type AccountRules,
  acceptTransfer,
  findTransfer,
  IdempotencyConflict,
  InvalidRequest,
  isFinal,
  isUnstorable,
  type Ledger,
  presentTransfer,
  type TransferRow,
} from '@kpay/transfers';
import { DelayedError, type Job, type Processor, UnrecoverableError } from 'bullmq';
import { atMost } from './at-most.ts';
import { isNearItsEnd, type WaitingRoom } from './waiting-room.ts';

// A job looks at its transfer this often while nobody wakes it: soon at first, then seldom. The looks of one that will be
// woken are only a net, and thousands that wait must not keep new jobs from the door.
const FOLLOW_LEAST_MS = 1_000;
const FOLLOW_WOKEN_MS = 7_500;
const FOLLOW_MOST_MS = 30_000;
const LEDGER_AWAY_MS = 5_000;

/** Who idempotency keys of jobs belong to. */
const OWNER = 'queue';

// As many as share a statement of the ledger; who waits in the room needs none.
const PASSING_AT_ONCE = 50;

interface Admitted {
  transfer: TransferRow;
  /** Whether other jobs may be about the same transfer: of those its end wakes the one that came last. */
  shared?: boolean;
  /** The wait for its end, when it may be near. */
  ended?: Promise<TransferRow | undefined>;
}

export interface DoorOptions {
  ledger: Ledger;
  account: string;
  accounts: ReadonlySet<string>;
  rules?: ReadonlyMap<string, AccountRules> | undefined;
  room: WaitingRoom;
  /** Lets a job that was put aside look at its transfer now. */
  wake: (jobId: string) => Promise<void>;
  /** Told of every newly accepted transfer. */
  onAccepted: (transfer: TransferRow) => Promise<void>;
  logger: Logger;
}

/**
 * The processor of an account's transfer queue: accepts the job's transfer into the ledger at once, then follows it
 * until it is final. It sends nothing itself, so a paused or backlogged account never blocks the door.
 *
 * A job fails only with an order that can never be accepted, or with a transfer that ended without moving money.
 * Running it twice, stalled or retried, finds the same transfer again.
 */
export function createDoor({
  ledger,
  account,
  accounts,
  rules,
  room,
  wake,
  onAccepted,
  logger,
}: DoorOptions): Processor<TransferJobData, TransferJobResult> {
  const passing = atMost(PASSING_AT_ONCE);

  return async (job, token) => {
    const { transfer, shared = false, ended } = await passing(() => admit(job, token));
    const seen = (await ended) ?? transfer;
    if (seen.state === 'succeeded') return resultOf(seen);
    if (isFinal(seen.state)) throw new UnrecoverableError(seen.reason ?? seen.state);
    return follows(job, token, seen, !shared && seen.job_id === job.id);
  };

  /** Puts the job aside until its transfer's end wakes it, or for a while where that may wake another one. */
  async function follows(job: Job, token: string | undefined, { id }: TransferRow, woken: boolean): Promise<never> {
    await job.moveToDelayed(Date.now() + followDelayMs(job.attemptsStarted, woken), token);
    // An end that came while it moved woke nobody. Should this fail too, its delay ends by itself.
    if (room.hasJustEnded(id) && job.id !== undefined) await wake(job.id).catch(() => undefined);
    throw new DelayedError();
  }

  async function admit(job: Job<TransferJobData>, token: string | undefined): Promise<Admitted> {
    try {
      const followed = await follow(job);
      return followed ? { transfer: followed } : await traceJob(job, () => accept(job));
    } catch (error) {
      if (error instanceof InvalidRequest || error instanceof IdempotencyConflict) throw new UnrecoverableError(error.message);
      // A value that no store takes will not become one: a job must not be tried for ever.
      if (isUnstorable(error)) throw new UnrecoverableError('the job holds a value that the ledger cannot store');
      // The ledger could not be asked. Failing the job would tell its producer "no" to something not yet judged.
      logger.error({ err: error, account, jobId: job.id }, 'a job could not be accepted, it is tried again');
      return comeBack(job, token, LEDGER_AWAY_MS);
    }
  }

  async function accept(job: Job<TransferJobData>): Promise<Admitted> {
    const order = { account, owner: OWNER, body: job.data, ...(job.id === undefined ? {} : { jobId: job.id }) };
    const { transfer, replayed } = await acceptTransfer(ledger, accounts, order, rules);
    await job.updateProgress({ accepted: transfer.id });
    if (!isNearItsEnd(transfer)) return { transfer, shared: replayed };
    // Before anybody is told to send it, so that its end cannot be missed.
    const ended = room.wait(transfer.id, job.id);
    if (!replayed) await onAccepted(transfer);
    return { transfer, shared: replayed, ended };
  }

  /** The transfer of a job that was accepted before: a later look is one read, so that thousands of them cost little. */
  async function follow({ attemptsStarted, progress, data }: Job<TransferJobData>): Promise<TransferRow | undefined> {
    const accepted = transferJobProgressSchema.safeParse(progress).data?.accepted;
    if (attemptsStarted < 2 || accepted === undefined) return undefined;
    const transfer = await findTransfer(ledger, accepted);
    return transfer?.account === account && transfer.external_id === data.externalId ? transfer : undefined;
  }
}

/** Puts the job aside without spending an attempt. */
async function comeBack(job: Job, token: string | undefined, delayMs: number): Promise<never> {
  await job.moveToDelayed(Date.now() + delayMs, token);
  throw new DelayedError();
}

/** @param woken whether the transfer's end wakes this job. */
function followDelayMs(looks: number, woken: boolean): number {
  const leastMs = woken ? FOLLOW_WOKEN_MS : FOLLOW_LEAST_MS;
  return Math.min(leastMs * 2 ** Math.max(0, looks - 1), FOLLOW_MOST_MS);
}

function resultOf(transfer: TransferRow): TransferJobResult {
  const { kpayTransferId, exchangeRate, destinationAmount } = presentTransfer(transfer);
  return { transferId: transfer.id, state: 'succeeded', kpayTransferId, exchangeRate, destinationAmount };
}
