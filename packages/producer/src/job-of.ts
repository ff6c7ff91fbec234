import { createHash } from 'node:crypto';
import type { Job } from 'bullmq';
import type { ParsedTransferRequest } from './parse-transfer-request.ts';
import type { KnownTransfer } from './producer.ts';
import { type TransferJobProgress, transferJobProgressSchema, transferJobResultSchema } from './transfer-job.ts';

// BullMQ takes no id that is all digits, and none with a colon.
const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 40);

/** The job of an externalId, by which its transfer is found again. */
export const jobIdOf = (externalId: string): string => `e-${digest(externalId)}`;

/** The job of a request whose externalId has the job of another request already: the worker refuses it. */
export const jobIdOfOther = (request: ParsedTransferRequest): string => `x-${digest(canonical(request))}`;

/** Whether a job carries this request, and not another one with its externalId. */
export function sameRequest(job: Job, request: ParsedTransferRequest): boolean {
  return canonical(job.data) === canonical(request);
}

/** One text for one request: Postgres gives the fields of a job's data back in an order of its own. */
function canonical(data: unknown): string {
  return JSON.stringify(data, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/** The transfer that a job became; undefined while it is none. */
export function transferIdOf(job: Job): string | undefined {
  return progressOf(job).accepted;
}

/** Why a job failed, for programs; undefined where its worker did not say it. */
export function reasonCodeOf(job: Job): string | undefined {
  return progressOf(job).reasonCode;
}

function progressOf(job: Job): TransferJobProgress {
  return transferJobProgressSchema.safeParse(job.progress).data ?? {};
}

/** Whether the worker refused the job's request, so that no transfer came of it. */
export function wasRefused(job: Job): boolean {
  return job.finishedOn !== undefined && job.failedReason !== undefined && transferIdOf(job) === undefined;
}

/** What a job tells of its transfer. */
export function describeJob(job: Job, externalId: string): KnownTransfer {
  const transferId = transferIdOf(job);
  const known = { externalId, transferId, state: undefined, reason: undefined, reasonCode: undefined, result: undefined };
  if (job.finishedOn === undefined) {
    return { ...known, status: transferId === undefined ? 'enqueued' : 'accepted', moneyMoved: 'unknown' };
  }
  if (job.failedReason !== undefined) {
    // The externalId of a refused request can belong to another transfer.
    const end = transferId === undefined ? ({ status: 'refused', moneyMoved: 'unknown' } as const) : FAILED;
    return { ...known, ...end, reason: job.failedReason, reasonCode: reasonCodeOf(job) };
  }
  const result = transferJobResultSchema.parse(job.returnvalue);
  return { ...known, status: 'succeeded', moneyMoved: 'yes', transferId: result.transferId, result };
}

const FAILED = { status: 'failed', moneyMoved: 'no' } as const;
