import type { Answer } from './answer.ts';

/**
 * Every reason code that this project writes itself. Programs read them to know why a transfer is in its state. There
 * are also `kpay_<status>` for a refusal by KPay, and `<plugin>/<code>` for the checks of plugins.
 */
export const reasonCodes = [
  // Holds.
  'not_before',
  'outside_send_window',
  'spend_limit',
  'paused',
  'breaker',
  'insufficient_funds',
  'corridor_refused',
  'destination_payouts_unavailable',
  'rate_below_minimum',
  'unauthorized',
  'kpay_unavailable',
  'check_failed',
  // It is unknown whether money moved.
  'outcome_unknown',
  'collision',
  'not_completed',
  'answer_lost',
  'refused_after_unknown',
  'conflict_unprovable',
  'unconfirmed_too_long',
  'succeeded_late',
  'restored',
  // Ends.
  'cancelled',
  'expired',
  'resolved',
] as const;

export type ReasonCode = (typeof reasonCodes)[number] | `kpay_${number}` | `${string}/${string}`;

/**
 * Converts a check's code to a reason code. A code that is neither built in nor under a plugin's name gets a prefix.
 */
export function reasonCodeOf(code: string): ReasonCode {
  return isReasonCode(code) ? code : `unnamed/${code}`;
}

function isReasonCode(code: string): code is ReasonCode {
  return code.includes('/') || /^kpay_\d+$/.test(code) || (reasonCodes as readonly string[]).includes(code);
}

/** Every type of event in a transfer's history. */
export const eventTypes = [
  'accepted',
  'held',
  'released',
  'submitting',
  'sent_again',
  'succeeded',
  'succeeded_late',
  'receipt_late',
  'confirmed_by_conflict',
  'refused',
  'check_rejected',
  'rate_limited',
  'not_sent',
  'token_refused',
  'unauthorized',
  'outcome_unknown',
  'conflict_seen',
  'collision',
  'review',
  'resolved',
  'restored',
  'cancelled',
  'expired',
] as const;

export type EventType = (typeof eventTypes)[number];

/** How an attempt can end: with KPay's answer, or with its lease. */
export const attemptOutcomes = [
  'succeeded',
  'conflict',
  'insufficient_funds',
  'refused',
  'unauthorized',
  'rate_limited',
  'not_sent',
  'not_completed',
  'answer_lost',
  'unknown',
  'lease_expired',
] as const satisfies readonly (Answer['kind'] | 'lease_expired')[];

export type AttemptOutcome = (typeof attemptOutcomes)[number];
