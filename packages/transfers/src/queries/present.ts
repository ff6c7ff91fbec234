import { formatAmount } from '@kpay/core';
import type { TransferEventRow, TransferRow } from '@kpay/ledger';
import { transferStates } from '@kpay/ledger';
import { z } from 'zod';
import { type EventType, eventTypes, reasonCodes } from '../states/reasons.ts';
import { moneyMoved } from '../states/states.ts';

/** Amounts and rates are decimal text, never floating point numbers. */
// Without examples, viewers of the OpenAPI document show generated digits and years.
export const decimalSchema = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/)
  .meta({ examples: ['50000'] });
const time = z.iso.datetime().meta({ examples: ['2026-11-24T08:00:00.000Z'] });
const state = z.enum(transferStates);

const reasonCodeSchema = z
  .string()
  .describe(
    `The reason for programs: one of ${reasonCodes.map((code) => `\`${code}\``).join(', ')}; \`kpay_<status>\` for a refusal by KPay; ` +
      '`<plugin>/<code>` for the check of a plugin.',
  );

/** A transfer as the API shows it. Amounts and rates are decimal strings, times ISO 8601. */
export const transferViewSchema = z
  .strictObject({
    id: z.uuid(),
    externalId: z.string().nullable(),
    account: z.string(),
    state,
    reason: z.string().nullable().describe('Why the transfer is in this state, in a sentence.'),
    reasonCode: reasonCodeSchema.nullable(),
    moneyMoved: z.enum(['yes', 'no', 'unknown']),
    sourceCountry: z.string(),
    destinationCountry: z.string(),
    amount: decimalSchema,
    currency: z.string(),
    destinationAmount: decimalSchema.nullable(),
    destinationCurrency: z.string(),
    exchangeRate: decimalSchema.nullable().describe('The rate that KPay applied.'),
    kpayTransferId: z.string().nullable(),
    confirmedBy: z.enum(['answer', 'conflict', 'person']).nullable(),
    attempts: z.int(),
    replayOf: z.uuid().nullable().describe('The id of the transfer that this one replays.'),
    holdUntil: time.nullable().describe('When a held transfer is checked again at the latest.'),
    description: z.string().nullable(),
    minRate: decimalSchema.nullable(),
    quoteId: z.uuid().nullable().describe("The quote that it was made with. The quote's floor is its minRate."),
    onInsufficientFunds: z.enum(['hold', 'fail']),
    notBefore: time.nullable(),
    expiresAt: time.nullable(),
    priority: z.int().min(0).max(9),
    metadata: z.record(z.string(), z.string()).nullable(),
    createdAt: time,
    updatedAt: time,
    finishedAt: time.nullable(),
    version: z.int(),
  })
  .meta({ id: 'Transfer' });
export type TransferView = z.infer<typeof transferViewSchema>;

export const transferEventViewSchema = z
  .strictObject({
    version: z.int(),
    type: z.enum(eventTypes).describe('What happened.'),
    from: state.nullable(),
    to: state,
    reason: z.string().nullable(),
    reasonCode: reasonCodeSchema.nullable(),
    actor: z.string(),
    keyId: z.string().nullable().describe('The id of the API key that was used; null when none was.'),
    detail: z.record(z.string(), z.unknown()).nullable().describe('The data behind the decision, and its age.'),
    at: time,
  })
  .meta({ id: 'TransferEvent' });
export type TransferEventView = z.infer<typeof transferEventViewSchema>;

/** Converts a row of the ledger to the transfer that the API shows. */
export function presentTransfer(row: TransferRow): TransferView {
  return {
    id: row.id,
    externalId: row.external_id,
    account: row.account,
    state: row.state,
    reason: row.reason,
    reasonCode: row.reason_code,
    moneyMoved: moneyMoved(row.state, row.kpay_transfer_id),
    sourceCountry: row.source_country,
    destinationCountry: row.destination_country,
    amount: formatAmount({ amountMinor: BigInt(row.amount_minor), currency: row.currency }),
    currency: row.currency,
    destinationAmount:
      row.destination_amount_minor === null
        ? null
        : formatAmount({ amountMinor: BigInt(row.destination_amount_minor), currency: row.destination_currency }),
    destinationCurrency: row.destination_currency,
    exchangeRate: row.exchange_rate,
    kpayTransferId: row.kpay_transfer_id,
    confirmedBy: row.confirmed_by,
    attempts: row.attempts,
    replayOf: row.replay_of,
    holdUntil: isoOrNull(row.hold_until),
    description: row.description,
    minRate: row.min_rate,
    quoteId: row.quote_id,
    onInsufficientFunds: row.on_insufficient_funds,
    notBefore: isoOrNull(row.not_before),
    expiresAt: isoOrNull(row.expires_at),
    priority: row.priority,
    metadata: row.metadata,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    finishedAt: isoOrNull(row.finished_at),
    version: row.version,
  };
}

export function presentEvent(row: TransferEventRow): TransferEventView {
  return {
    version: row.version,
    // Only transition() and the statements beside it write events, so the type is always from the closed set.
    type: row.type as EventType,
    from: row.from_state,
    to: row.to_state,
    reason: row.reason,
    reasonCode: row.reason_code,
    actor: row.actor,
    keyId: row.key_id,
    detail: row.detail,
    at: row.at.toISOString(),
  };
}

function isoOrNull(time: Date | null): string | null {
  return time === null ? null : time.toISOString();
}
