import { isUnstorable } from '@kpay/ledger';
import {
  type TransferJobData,
  type TransferJobProgress,
  type TransferJobResult,
  transferJobProgressSchema,
} from '@kpay/producer';
import { type Logger, traceJob } from '@kpay/runtime';
import {
  acceptTransfer,
  findTransfer,
  IdempotencyConflict,
  InvalidRequest,
  isFinal,
  type Ledger,
  presentTransfer,
  type TransferRow,
} from '@kpay/transfers';
import type { AccountRules } from '@kpay/transfers/worker';
import { DelayedError, type Job, type Processor, UnrecoverableError } from 'bullmq';
import { type CompletionWaiters, isNearItsEnd } from './completion-waiters.ts';
import { limitConcurrency } from './limit-concurrency.ts';

// How often a job in the queue reads its transfer: soon at first, then seldom. For a job that is woken on completion these
// reads are only a safety net, and thousands of waiting jobs must not delay new ones.
const MIN_RECHECK_MS = 1_000;
const MIN_RECHECK_WOKEN_MS = 7_500;
const MAX_RECHECK_MS = 30_000;
const LEDGER_AWAY_MS = 5_000;

/** The owner of transfers that come as jobs. */
const OWNER = 'queue';

// As many as share one batch of the ledger. Jobs that only wait for completion need no statement.
const ACCEPTING_AT_ONCE = 50;

interface Admitted {
  transfer: TransferRow;
  /** Whether other jobs may be about the same transfer. Its completion wakes only the latest of them. */
  shared?: boolean;
  /** Resolves when the transfer completes. Absent when it cannot complete soon. */
  completed?: Promise<TransferRow | undefined>;
}

export interface TransferJobProcessorOptions {
  ledger: Ledger;
  account: string;
  accounts: ReadonlySet<string>;
  rules?: ReadonlyMap<string, AccountRules> | undefined;
  waiters: CompletionWaiters;
  /** Makes a delayed job read its transfer now. */
  wake: (jobId: string) => Promise<void>;
  /** Called for every newly accepted transfer. */
  onAccepted: (transfer: TransferRow) => Promise<void>;
  logger: Logger;
}

/**
 * The processor of an account's transfer queue. It accepts the job's transfer into the ledger at once, then follows it until
 * it is final. It sends nothing itself, so a paused or backlogged account never blocks new jobs.
 *
 * A job fails only when its request can never be accepted, or when its transfer completed without moving money. A job that runs
 * twice, stalled or retried, finds the same transfer again.
 */
export function createTransferJobProcessor({
  ledger,
  account,
  accounts,
  rules,
  waiters,
  wake,
  onAccepted,
  logger,
}: TransferJobProcessorOptions): Processor<TransferJobData, TransferJobResult> {
  const accepting = limitConcurrency(ACCEPTING_AT_ONCE);

  return async (job, token) => {
    const { transfer, shared = false, completed } = await accepting(() => acceptOrFollow(job, token));
    const seen = (await completed) ?? transfer;
    if (seen.state === 'succeeded') return resultOf(seen);
    if (isFinal(seen.state)) {
      return fail(job, seen.reason ?? seen.state, { accepted: seen.id, reasonCode: seen.reason_code ?? seen.state });
    }
    return waitInQueue(job, token, seen, !shared && seen.job_id === job.id);
  };

  /** Delays the job until its transfer's completion wakes it, or for a while where that may wake another job. */
  async function waitInQueue(job: Job, token: string | undefined, { id }: TransferRow, woken: boolean): Promise<never> {
    await job.moveToDelayed(Date.now() + recheckDelayMs(job.attemptsStarted, woken), token);
    // A completion during the move could not wake the job. If this fails too, the delay ends by itself.
    if (waiters.hasJustEnded(id) && job.id !== undefined) await wake(job.id).catch(() => undefined);
    throw new DelayedError();
  }

  async function acceptOrFollow(job: Job<TransferJobData>, token: string | undefined): Promise<Admitted> {
    try {
      const followed = await follow(job);
      return followed ? { transfer: followed } : await traceJob(job, () => accept(job));
    } catch (error) {
      if (error instanceof InvalidRequest) return fail(job, error.message, { reasonCode: 'invalid_request' });
      if (error instanceof IdempotencyConflict) return fail(job, error.message, { reasonCode: 'idempotency_conflict' });
      // A value that the ledger cannot store fails at every attempt, so the job must not be retried for ever.
      if (isUnstorable(error)) {
        return fail(job, 'the job holds a value that the ledger cannot store', { reasonCode: 'invalid_request' });
      }
      // The ledger could not be asked. Failing the job would refuse a request that nobody has checked yet.
      logger.error({ err: error, account, jobId: job.id }, 'cannot accept a job now: it is retried');
      return comeBack(job, token, LEDGER_AWAY_MS);
    }
  }

  async function accept(job: Job<TransferJobData>): Promise<Admitted> {
    const order = { account, owner: OWNER, body: job.data, ...(job.id === undefined ? {} : { jobId: job.id }) };
    const { transfer, replayed } = await acceptTransfer(ledger, accounts, order, rules);
    await job.updateProgress({ accepted: transfer.id });
    if (!isNearItsEnd(transfer)) return { transfer, shared: replayed };
    // Before a worker can send it, so that its completion cannot be missed.
    const completed = waiters.wait(transfer.id, job.id);
    if (!replayed) await onAccepted(transfer);
    return { transfer, shared: replayed, completed };
  }

  /**
   * Reads the transfer of a job that was accepted before. It is one read, so that thousands of waiting jobs cost
   * little.
   */
  async function follow({ attemptsStarted, progress, data }: Job<TransferJobData>): Promise<TransferRow | undefined> {
    const accepted = transferJobProgressSchema.safeParse(progress).data?.accepted;
    if (attemptsStarted < 2 || accepted === undefined) return undefined;
    const transfer = await findTransfer(ledger, accepted);
    return transfer?.account === account && transfer.external_id === data.externalId ? transfer : undefined;
  }
}

/** Fails the job for good. Its progress says why for programs; where that cannot be written, its reason has to do. */
async function fail(job: Job, reason: string, progress: TransferJobProgress): Promise<never> {
  await job.updateProgress(progress).catch(() => undefined);
  throw new UnrecoverableError(reason);
}

/** Delays the job without spending an attempt. */
async function comeBack(job: Job, token: string | undefined, delayMs: number): Promise<never> {
  await job.moveToDelayed(Date.now() + delayMs, token);
  throw new DelayedError();
}

/** @param woken whether the transfer's completion wakes this job. */
function recheckDelayMs(reads: number, woken: boolean): number {
  const minMs = woken ? MIN_RECHECK_WOKEN_MS : MIN_RECHECK_MS;
  return Math.min(minMs * 2 ** Math.max(0, reads - 1), MAX_RECHECK_MS);
}

function resultOf(transfer: TransferRow): TransferJobResult {
  const { kpayTransferId, exchangeRate, destinationAmount } = presentTransfer(transfer);
  return { transferId: transfer.id, state: 'succeeded', kpayTransferId, exchangeRate, destinationAmount };
}
