import { ClosedError, OutcomeUnknownError, RejectedError, RetryableError, type TransferReceipt } from '@kpay/core';

/** What became of one attempt, as far as we know. */
export type Answer =
  | { kind: 'succeeded'; receipt: TransferReceipt }
  | { kind: 'conflict'; status: 409; detail?: string }
  | { kind: 'insufficient_funds'; status: 422; detail?: string }
  | { kind: 'refused'; status: number; detail?: string }
  | { kind: 'unauthorized'; status: 401; detail?: string }
  | { kind: 'rate_limited'; status: 429; retryAfterMs?: number }
  | { kind: 'not_sent'; detail: string }
  /** 201 with a status that is no success: KPay holds a transfer whose end is unknown. */
  | { kind: 'not_completed'; status: 201; detail?: string }
  /** KPay answered, but the ledger refused to store the answer. */
  | { kind: 'answer_lost'; detail: string }
  | { kind: 'unknown'; status?: number; detail: string };

/**
 * Classifies an error that the client threw for a send. Everything that is not surely definite is unknown: a bug of
 * ours between the write and the answer must not become "it did not happen".
 */
export function answerOf(error: unknown): Answer {
  if (error instanceof RejectedError) {
    const detail = error.detail === undefined ? {} : { detail: error.detail };
    if (error.status === 409) return { kind: 'conflict', status: 409, ...detail };
    if (error.status === 422) return { kind: 'insufficient_funds', status: 422, ...detail };
    if (error.status === 401) return { kind: 'unauthorized', status: 401, ...detail };
    return { kind: 'refused', status: error.status, ...detail };
  }
  if (error instanceof RetryableError) {
    if (error.reason === 'rate_limited') {
      return {
        kind: 'rate_limited',
        status: 429,
        ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
      };
    }
    return { kind: 'not_sent', detail: error.reason };
  }
  if (error instanceof ClosedError) return { kind: 'not_sent', detail: error.code };
  if (error instanceof OutcomeUnknownError) {
    if (error.reason === 'not_completed') {
      return { kind: 'not_completed', status: 201, ...(error.detail === undefined ? {} : { detail: error.detail }) };
    }
    return { kind: 'unknown', detail: error.reason, ...(error.status === undefined ? {} : { status: error.status }) };
  }
  return { kind: 'unknown', detail: 'internal_error' };
}

/** The same answer without KPay's text, because text from outside must never decide whether an outcome is stored. */
export function withoutText(answer: Answer): Answer {
  if (answer.kind === 'succeeded') {
    const { id, externalId } = answer.receipt;
    const nothing = { exchangeRate: null, sourceTransaction: null, destinationTransaction: null, notCompleted: null };
    return { kind: 'succeeded', receipt: { ...nothing, id: id.replace(/[^\w-]/g, ''), externalId, createdAt: null, raw: '' } };
  }
  if (answer.kind === 'not_sent' || answer.kind === 'unknown' || answer.kind === 'answer_lost') {
    return { ...answer, detail: 'not storable' };
  }
  if (answer.kind === 'rate_limited') return answer;
  const { detail: _, ...rest } = answer;
  return rest;
}
