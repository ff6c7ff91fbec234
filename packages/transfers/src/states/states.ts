import type { TransferState } from '@kpay/ledger';

/**
 * The transitions that exist. A trigger in the ledger holds the same table and refuses every other transition
 * (packages/ledger/src/migrations/0001-ledger.ts), so that no code of ours can make one by mistake. Only a person moves
 * a transfer out of `review`.
 */
export const legalTransitions: Readonly<Record<TransferState, readonly TransferState[]>> = {
  awaiting_approval: ['queued', 'rejected', 'cancelled', 'expired'],
  queued: ['submitting', 'holding', 'failed', 'cancelled', 'expired'],
  holding: ['queued', 'cancelled', 'expired'],
  submitting: ['succeeded', 'failed', 'queued', 'holding', 'unconfirmed', 'review'],
  unconfirmed: ['succeeded', 'review'],
  review: ['succeeded', 'failed', 'unconfirmed'],
  succeeded: [],
  failed: [],
  rejected: [],
  cancelled: [],
  expired: [],
};

/** Final states in which no money moved, as far as the ledger knows. */
export const statesWithoutEffect: readonly TransferState[] = ['failed', 'rejected', 'cancelled', 'expired'];

/** Whether a transfer in this state has come to its end. */
export function isFinal(state: TransferState): boolean {
  return legalTransitions[state].length === 0;
}

/**
 * What one may believe about the money while a transfer is in this state.
 *
 * @param kpayTransferId of KPay's receipt. A receipt proves that money moved, even after a person resolved the transfer
 *   as not happened.
 */
export function moneyMoved(state: TransferState, kpayTransferId: string | null): 'yes' | 'no' | 'unknown' {
  if (state === 'succeeded' || kpayTransferId !== null) return 'yes';
  return state === 'submitting' || state === 'unconfirmed' || state === 'review' ? 'unknown' : 'no';
}
