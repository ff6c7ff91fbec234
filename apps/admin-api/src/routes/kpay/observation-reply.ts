import { type KpayAccount, KpayError, type Observed, type ObserveOptions, RejectedError, RetryableError } from '@kpay/core';
import { PinMismatch } from '@kpay/transfers';
import { z } from 'zod';
import type { Reply } from '../../http/operation.ts';
import { Problem } from '../../problems/problem.ts';
import type { OwnKeys } from './own-keys.ts';

/** The schema of KPay's answer with its age. */
export function observationOf(item: z.ZodType) {
  return z.strictObject({
    account: z.string(),
    askedAt: z.iso.datetime(),
    ageSeconds: z.int().min(0),
    stale: z.boolean().describe('True when KPay did not answer now; this is its last answer.'),
    items: z.array(item),
  });
}

export interface ObservationRead<T> {
  account: KpayAccount;
  own: OwnKeys;
  /** What is read, as in "the balance". */
  what: string;
  read(options: ObserveOptions): Promise<Observed<T>>;
  /** The last value, at any age. */
  peek(): Promise<Observed<T> | undefined>;
  present(value: T): readonly unknown[];
}

// A person is better served by an old balance with its age than by a long wait.
const PATIENCE_MS = 5_000;
const RETRY_AFTER_S = 10;

/**
 * Answers with KPay's value, or with its last value, marked `stale`, when KPay does not answer in time.
 *
 * @throws Problem (503) when the account's keys belong to another application, and when KPay does not answer and there
 *   is no earlier value.
 */
export async function replyWithObservation<T>({ account, own, what, read, peek, present }: ObservationRead<T>): Promise<Reply> {
  const show = ({ value, askedAt }: Observed<T>, stale: boolean): Reply => ({
    body: {
      account: account.name,
      askedAt: askedAt.toISOString(),
      ageSeconds: Math.max(0, Math.round((account.clock.now() - askedAt.getTime()) / 1_000)),
      stale,
      items: present(value),
    },
  });
  try {
    await own(account);
    return show(await read({ lane: 'people', signal: AbortSignal.timeout(PATIENCE_MS) }), false);
  } catch (error) {
    if (error instanceof PinMismatch)
      throw new Problem('kpay_unavailable', `Its figures are not shown: ${error.message}.`, { cause: error });
    if (!(error instanceof KpayError)) throw error;
    const last = await peek();
    if (last) return show(last, true);
    throw unavailable(what, error);
  }
}

function unavailable(what: string, error: KpayError): Problem {
  const why = error instanceof RejectedError ? `refuses the request (${error.status})` : 'does not answer';
  const retryAfterMs = error instanceof RetryableError ? (error.retryAfterMs ?? 0) : 0;
  const retryAfterS = Math.max(RETRY_AFTER_S, Math.ceil(retryAfterMs / 1_000));
  return new Problem('kpay_unavailable', `KPay ${why}, and ${what} was never read before.`, {
    headers: { 'retry-after': String(retryAfterS) },
    cause: error,
  });
}
