import type { Ledger, TransferRow } from '@kpay/ledger';
import type { EpochWitness } from '../restore/epoch-witness.ts';
import { inVerifiedLedger } from '../restore/in-verified-ledger.ts';
import { transition } from '../states/transition.ts';

/**
 * `cancelled`: it was never sent and never will be. `too_late`: it is being sent, or was, or had ended already.
 * `changed`: it is not at the version that was to be cancelled.
 */
export type Cancellation = {
  outcome: 'cancelled' | 'too_late' | 'changed';
  transfer: TransferRow;
};

/**
 * Stops a transfer that nothing was sent for. Cancelling and sending meet at the row's lock, so one of them wins and
 * the answer says which. Cancelling again what is cancelled is no error.
 *
 * @param version cancels only this version of it; whatever it is unless given.
 * @returns undefined when there is no such transfer.
 * @throws LedgerRestored, EpochUnknown as inVerifiedLedger does: what is queued there may have been sent.
 */
export async function cancelTransfer(
  ledger: Ledger,
  copy: EpochWitness,
  id: string,
  { by, keyId, reason, version }: { by: string; keyId?: string | undefined; reason?: string; version?: number | undefined },
): Promise<Cancellation | undefined> {
  return inVerifiedLedger(ledger, copy, async (tx) => {
    const row = await tx.db.selectFrom('kpay.transfers').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
    if (!row) return undefined;
    if (version !== undefined && row.version !== version) return { outcome: 'changed', transfer: row };
    if (row.state === 'cancelled') return { outcome: 'cancelled', transfer: row };
    const unsent = row.state === 'awaiting_approval' || row.state === 'queued' || row.state === 'holding';
    const why = reason === undefined ? `cancelled by ${by}` : `cancelled by ${by}: ${reason}`;
    const cancelled = unsent
      ? await transition(tx, row, { to: 'cancelled', type: 'cancelled', actor: by, keyId, reasonCode: 'cancelled', reason: why })
      : undefined;
    return cancelled ? { outcome: 'cancelled', transfer: cancelled } : { outcome: 'too_late', transfer: row };
  });
}
