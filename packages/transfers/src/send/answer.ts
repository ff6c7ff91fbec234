import { OutcomeUnknown, Rejected, Retryable, type TransferReceipt } from '@kpay/core';

/** What became of one attempt, as far as we can know. */
export type Answer =
  | { kind: 'succeeded'; receipt: TransferReceipt }
  | { kind: 'conflict'; status: 409; detail?: string }
  | { kind: 'insufficient_funds'; status: 422; detail?: string }
  | { kind: 'refused'; status: number; detail?: string }
  | { kind: 'unauthorized'; status: 401; detail?: string }
  | { kind: 'rate_limited'; status: 429; retryAfterMs?: number }
  | { kind: 'not_sent'; detail: string }
  | { kind: 'unknown'; status?: number; detail: string };

/**
 * Reads what the client threw for a send. Whatever is not known to be definite is unknown: a bug of ours between
 * the write and the answer must not turn into "it did not happen".
 */
export function answerOf(error: unknown): Answer {
  if (error instanceof Rejected) {
    const detail = error.detail === undefined ? {} : { detail: error.detail };
    if (error.status === 409) return { kind: 'conflict', status: 409, ...detail };
    if (error.status === 422) return { kind: 'insufficient_funds', status: 422, ...detail };
    if (error.status === 401) return { kind: 'unauthorized', status: 401, ...detail };
    return { kind: 'refused', status: error.status, ...detail };
  }
  if (error instanceof Retryable) {
    if (error.reason === 'rate_limited') {
      return {
        kind: 'rate_limited',
        status: 429,
        ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
      };
    }
    return { kind: 'not_sent', detail: error.reason };
  }
  if (error instanceof OutcomeUnknown) {
    return { kind: 'unknown', detail: error.reason, ...(error.status === undefined ? {} : { status: error.status }) };
  }
  return { kind: 'unknown', detail: 'internal_error' };
}
