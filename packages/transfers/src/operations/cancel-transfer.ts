import type { Ledger, TransferRow } from '@kpay/ledger';
import type { EpochWitness } from '../restore/epoch-witness.ts';
import { inVerifiedLedger } from '../restore/in-verified-ledger.ts';
import { transition } from '../states/transition.ts';

/**
 * `cancelled`: it was never sent and never will be. `too_late`: it is being sent, was sent, or has ended. `changed`: it
 * has another version than the one to cancel.
 */
export type Cancellation = {
  outcome: 'cancelled' | 'too_late' | 'changed';
  transfer: TransferRow;
};

/**
 * Cancels a transfer that was never sent. Cancelling and sending lock the same row, so one of them wins, and the answer
 * says which. Cancelling a cancelled transfer again is no error.
 *
 * @param version cancels only this version; any version by default.
 * @returns undefined when there is no such transfer.
 * @throws LedgerRestored, EpochUnknown as inVerifiedLedger does. A restored ledger may show a transfer as queued that
 *   was sent.
 */
export async function cancelTransfer(
  ledger: Ledger,
  witness: EpochWitness,
  id: string,
  { by, keyId, reason, version }: { by: string; keyId?: string | undefined; reason?: string; version?: number | undefined },
): Promise<Cancellation | undefined> {
  return inVerifiedLedger(ledger, witness, async (tx) => {
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
