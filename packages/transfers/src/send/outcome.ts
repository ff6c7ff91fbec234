import { compareRates, type TransferReceipt } from '@kpay/core';
import type { TransferChanges, TransferRow } from '@kpay/ledger';
import type { Answer } from '../states/answer.ts';
import type { EventType, ReasonCode } from '../states/reasons.ts';
import type { Transition } from '../states/transition.ts';
import { resendDelayMs, retryDelayMs } from './backoff.ts';
import { receiptDifferences } from './receipt-differences.ts';

/**
 * How long after the first unknown outcome a transfer is sent again automatically. KPay does not document how long it
 * remembers ids.
 */
export const RESEND_FOR_MS = 24 * 60 * 60_000;
const UNAUTHORIZED_HOLD_MS = 5 * 60_000;
const REFUSED_FUNDS_HOLD_MS = 30_000;

export interface OutcomeContext {
  now: Date;
  /** When the attempt that got this answer was started. */
  attemptStartedAt: Date;
  /** The shortest time between two 409s that together confirm a transfer (KPAY_CONFLICT_CONFIRM_SECONDS). */
  conflictConfirmMs: number;
  random: () => number;
}

/** The transition that an answer causes. `alarm`: a sentence for a person who should act. */
export type Outcome = Pick<Transition, 'to' | 'type' | 'reasonCode' | 'reason' | 'set' | 'detail'> & { alarm?: string };

/**
 * The outcome table (law 4, law 5): the transition of a transfer that was under way when KPay gave `answer`. A pure
 * function. `row` is in `submitting` (nothing was ever possibly sent) or `unconfirmed` (something was).
 */
export function outcomeOf(row: TransferRow, answer: Answer, context: OutcomeContext): Outcome {
  return row.state === 'submitting' ? firstSendOutcome(row, answer, context) : resendOutcome(row, answer, context);
}

function firstSendOutcome(row: TransferRow, answer: Answer, context: OutcomeContext): Outcome {
  const { now, random } = context;
  switch (answer.kind) {
    case 'succeeded':
      return succeeded(row, answer.receipt);
    case 'conflict':
      return {
        to: 'review',
        type: 'collision',
        reasonCode: 'collision',
        reason: 'KPay already holds this id for an active transfer that this ledger did not send',
      };
    case 'insufficient_funds':
      if (row.on_insufficient_funds === 'fail') {
        return { to: 'failed', type: 'refused', reasonCode: 'insufficient_funds', reason: 'KPay refused it: insufficient funds' };
      }
      return hold(row, 'insufficient_funds', 'KPay refused it: insufficient funds in the source wallet', {
        until: later(now, REFUSED_FUNDS_HOLD_MS * 2 ** Math.min(row.tries, 4)),
        set: { refused_before: true },
      });
    case 'refused':
      return {
        to: 'failed',
        type: 'refused',
        reasonCode: `kpay_${answer.status}`,
        reason: `KPay refused it: ${answer.detail ?? `status ${answer.status}`}`,
        set: { refused_before: true },
      };
    case 'unauthorized':
      if (row.unauthorized === 0) return queueAgain(row, 'token_refused', now, { unauthorized: 1 });
      return {
        ...hold(row, 'unauthorized', 'KPay refuses our keys or tokens (401)', { until: later(now, UNAUTHORIZED_HOLD_MS) }),
        alarm: 'KPay refuses our keys or tokens (401): check KPAY_API_KEY and KPAY_SECRET_KEY',
      };
    case 'rate_limited':
      return queueAgain(row, 'rate_limited', later(now, answer.retryAfterMs ?? 1_000), {});
    case 'not_sent':
      return queueAgain(row, 'not_sent', later(now, retryDelayMs(row.tries, random)), { tries: row.tries + 1 });
    case 'not_completed':
      return {
        ...review('not_completed', notCompletedReason(answer), { refused_before: true }),
        set: { refused_before: true, possibly_sent: true, unknown_since: context.attemptStartedAt },
      };
    case 'answer_lost':
      return {
        ...review('answer_lost', ANSWER_LOST, {}),
        set: { refused_before: true, possibly_sent: true, unknown_since: context.attemptStartedAt },
      };
    case 'unknown':
      return {
        to: 'unconfirmed',
        type: 'outcome_unknown',
        reasonCode: 'outcome_unknown',
        reason: `sent, but no definite answer came (${answer.detail}); it is sent again under the same id, which has one effect`,
        set: {
          possibly_sent: true,
          unknown_since: context.attemptStartedAt,
          tries: 0,
          unauthorized: 0,
          due_at: later(now, resendDelayMs(0, random)),
        },
      };
  }
}

function resendOutcome(row: TransferRow, answer: Answer, context: OutcomeContext): Outcome {
  const { now, random } = context;
  const backoff = later(now, resendDelayMs(row.tries + 1, random));
  switch (answer.kind) {
    case 'succeeded':
      return succeeded(row, answer.receipt);
    case 'conflict':
      return conflictOutcome(row, context);
    case 'insufficient_funds':
    case 'refused':
      return review(
        'refused_after_unknown',
        `KPay refused a repeated send (${answer.status}) after an earlier one without an answer: whether that one moved money is not known`,
        { refused_before: true },
      );
    case 'not_completed':
      return review('not_completed', notCompletedReason(answer), { refused_before: true });
    case 'answer_lost':
      return review('answer_lost', ANSWER_LOST, { refused_before: true });
    case 'unauthorized':
      if (row.unauthorized === 0) return stillUnconfirmed(row, 'token_refused', now, { unauthorized: 1 });
      return {
        ...stillUnconfirmed(row, 'unauthorized', backoff, { tries: row.tries + 1 }),
        alarm: 'KPay refuses our keys or tokens (401) while a transfer is unconfirmed',
      };
    case 'rate_limited':
      return stillUnconfirmed(row, 'rate_limited', later(now, answer.retryAfterMs ?? 1_000), {});
    case 'not_sent':
      return stillUnconfirmed(row, 'not_sent', backoff, { tries: row.tries + 1 });
    case 'unknown':
      // This call may also hold the id for a while and then fail. So an earlier 409 proves nothing any more.
      return stillUnconfirmed(row, 'outcome_unknown', backoff, {
        tries: row.tries + 1,
        unauthorized: 0,
        first_conflict_at: null,
      });
  }
}

const ANSWER_LOST = 'KPay answered, but the answer could not be stored: a person must look up the transfer at KPay';

function notCompletedReason({ detail }: { detail?: string }): string {
  return `KPay accepted it but says ${detail ?? 'that it is not completed'}: it is not sent again, ask KPay what became of it`;
}

/**
 * Law 5: two 409s some time apart, after the last unknown outcome (docs/decisions/0017) and without a refusal, confirm
 * the transfer.
 */
function conflictOutcome(row: TransferRow, context: OutcomeContext): Outcome {
  if (row.refused_before) {
    return review('conflict_unprovable', 'KPay holds this id, but it also refused it once: a conflict proves nothing then', {});
  }
  const first = row.first_conflict_at;
  if (first === null) {
    const due = later(context.now, context.conflictConfirmMs);
    return stillUnconfirmed(row, 'conflict_seen', due, { first_conflict_at: context.now, unauthorized: 0 });
  }
  const confirmsAt = later(first, context.conflictConfirmMs);
  if (context.now < confirmsAt) return stillUnconfirmed(row, 'conflict_seen', confirmsAt, { unauthorized: 0 });
  return {
    to: 'succeeded',
    type: 'confirmed_by_conflict',
    detail: { firstConflictAt: first.toISOString() },
    set: { confirmed_by: 'conflict' },
  };
}

/** The transition of a 201, whatever happened before. It reads only columns of the row that never change. */
export function succeeded(row: TransferRow, receipt: TransferReceipt): Outcome {
  const landed = receipt.destinationTransaction?.amount;
  const rate = receipt.exchangeRate;
  const differences = receiptDifferences(row, receipt);
  return {
    to: 'succeeded',
    type: 'succeeded',
    // The money surely moved. A person should see that the receipt differs from the request.
    ...(differences.length > 0 && { alarm: `KPay's receipt is not what was asked: ${differences.join('; ')}` }),
    detail: {
      ...(differences.length > 0 && { receiptDifferences: differences }),
      ...(rate === null ? {} : { appliedRate: rate }),
      ...belowMinRate(rate, row.min_rate),
    },
    set: {
      confirmed_by: 'answer',
      kpay_transfer_id: receipt.id,
      exchange_rate: rate,
      destination_amount_minor:
        landed && landed.currency === row.destination_currency && isStorable(landed.amountMinor)
          ? String(landed.amountMinor)
          : null,
      receipt: JSON.stringify({ raw: receipt.raw }),
    },
  };
}

/**
 * Never throws: a rate that cannot be compared must not keep this receipt, or others in the same batch, from being
 * stored.
 */
function belowMinRate(rate: string | null, minRate: string | null): { belowMinRate?: boolean } {
  if (rate === null || minRate === null) return {};
  try {
    return { belowMinRate: compareRates(rate, minRate) < 0 };
  } catch {
    return {};
  }
}

const MAX_BIGINT = 2n ** 63n - 1n;

function isStorable(amountMinor: bigint): boolean {
  return amountMinor <= MAX_BIGINT && amountMinor >= -MAX_BIGINT;
}

function queueAgain(row: TransferRow, type: EventType, due: Date, set: TransferChanges): Outcome {
  return { to: 'queued', type, set: { unauthorized: 0, ...set, due_at: expiryBounded(row, due) } };
}

function hold(
  row: TransferRow,
  code: ReasonCode,
  reason: string,
  { until, set }: { until: Date; set?: TransferChanges },
): Outcome {
  const held = { ...set, tries: row.tries + 1, hold_until: until, due_at: expiryBounded(row, until) };
  return { to: 'holding', type: 'held', reasonCode: code, reason: `${reason}; next try at ${until.toISOString()}`, set: held };
}

function review(code: ReasonCode, reason: string, set: TransferChanges): Outcome {
  return { to: 'review', type: 'review', reasonCode: code, reason, set, alarm: reason };
}

function stillUnconfirmed(row: TransferRow, type: EventType, due: Date, set: TransferChanges): Outcome {
  if (row.unknown_since && due.getTime() > row.unknown_since.getTime() + RESEND_FOR_MS) return unconfirmedTooLong();
  return { to: 'unconfirmed', type, reasonCode: 'outcome_unknown', ...keptReason(row), set: { ...set, due_at: due } };
}

/** The transition of a transfer that is still unconfirmed when the time for re-sends is over. */
export function unconfirmedTooLong(): Outcome {
  return review(
    'unconfirmed_too_long',
    'no definite answer within 24 hours of the first send: a person must find out at KPay',
    {},
  );
}

function keptReason(row: TransferRow): { reason?: string } {
  return row.reason === null ? {} : { reason: row.reason };
}

/** A queued or held row becomes due when it expires, even if its wait is longer. */
function expiryBounded(row: TransferRow, due: Date): Date {
  return row.expires_at && row.expires_at < due ? row.expires_at : due;
}

function later(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms);
}
