import type { TransferState } from '@kpay/ledger';

/**
 * The transitions that exist. The ledger holds the same table and refuses every other by a trigger
 * (packages/ledger/src/migrations/0001-ledger.ts), so that no code of ours, now or later, can make one by mistake.
 * `review` is left by a person only.
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

/** Final states in which nothing was moved, as far as the ledger knows. */
export const statesWithoutEffect: readonly TransferState[] = ['failed', 'rejected', 'cancelled', 'expired'];

/** Whether a transfer in this state has come to its end. */
export function isFinal(state: TransferState): boolean {
  return legalTransitions[state].length === 0;
}

/**
 * What somebody may believe about their money while a transfer is in this state.
 *
 * @param kpayTransferId of KPay's receipt: one that came after a person settled the transfer as not happened is proof all the same.
 */
export function moneyMoved(state: TransferState, kpayTransferId: string | null): 'yes' | 'no' | 'unknown' {
  if (state === 'succeeded' || kpayTransferId !== null) return 'yes';
  return state === 'submitting' || state === 'unconfirmed' || state === 'review' ? 'unknown' : 'no';
}
