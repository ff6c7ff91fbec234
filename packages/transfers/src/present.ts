import { formatAmount } from '@kpay/core';
import type { TransferEventRow, TransferRow } from './ledger/schema.ts';
import { moneyMoved } from './states.ts';

/** A transfer as the API shows it. Amounts and rates are decimal strings, times ISO 8601. */
export interface TransferView {
  id: string;
  externalId: string | null;
  account: string;
  state: TransferRow['state'];
  /** Why it is where it is, in a sentence; `reasonCode` is the same for programs. */
  reason: string | null;
  reasonCode: string | null;
  moneyMoved: 'yes' | 'no' | 'unknown';
  sourceCountry: string;
  destinationCountry: string;
  amount: string;
  currency: string;
  destinationAmount: string | null;
  destinationCurrency: string;
  exchangeRate: string | null;
  kpayTransferId: string | null;
  confirmedBy: 'answer' | 'conflict' | 'person' | null;
  attempts: number;
  /** The transfer that this one was made again from. */
  replayOf: string | null;
  /** While it is held: until when at the latest. */
  holdUntil: string | null;
  description: string | null;
  minRate: string | null;
  onInsufficientFunds: 'hold' | 'fail';
  notBefore: string | null;
  expiresAt: string | null;
  priority: number;
  metadata: Record<string, string> | null;
  createdAt: string;
  updatedAt: string;
  finishedAt: string | null;
  version: number;
}

export interface TransferEventView {
  version: number;
  type: string;
  from: TransferRow['state'] | null;
  to: TransferRow['state'];
  reason: string | null;
  reasonCode: string | null;
  actor: string;
  detail: Record<string, unknown> | null;
  at: string;
}

/** Shows a row of the ledger to the world. */
export function presentTransfer(row: TransferRow): TransferView {
  return {
    id: row.id,
    externalId: row.external_id,
    account: row.account,
    state: row.state,
    reason: row.reason,
    reasonCode: row.reason_code,
    moneyMoved: moneyMoved(row.state),
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
    type: row.type,
    from: row.from_state,
    to: row.to_state,
    reason: row.reason,
    reasonCode: row.reason_code,
    actor: row.actor,
    detail: row.detail,
    at: row.at.toISOString(),
  };
}

function isoOrNull(time: Date | null): string | null {
  return time === null ? null : time.toISOString();
}
