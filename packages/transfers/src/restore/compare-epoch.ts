import type { Ledger, LedgerRow } from '@kpay/ledger';
import type { Epoch, EpochWitness } from './epoch-witness.ts';
import { readLedgerRow } from './ledger-epoch.ts';

/**
 * The result of comparing the ledger's epoch with its witness. `witnessed` is undefined when there is no witness; the
 * next worker writes one.
 */
export interface EpochState {
  verdict: 'agree' | 'restored' | 'foreign';
  epoch: number;
  witnessed: number | undefined;
}

/**
 * Whether the ledger was restored, or the witness belongs to another ledger. It only reads; a worker marks the ledger
 * and refuses to send.
 */
export async function compareEpoch(ledger: Ledger, witness: EpochWitness): Promise<EpochState> {
  // The witness is read first. In the other order, an epoch that grows in between would look like a restore.
  const witnessed = await witness.read();
  const row = await readLedgerRow(ledger.db);
  return { verdict: epochVerdict(row, witnessed), epoch: row.epoch, witnessed: witnessed?.epoch };
}

/** Compares the ledger with a witness that was read before it. */
export function epochVerdict({ id, epoch, restored_at }: LedgerRow, witnessed: Epoch | undefined): EpochState['verdict'] {
  if (witnessed && witnessed.ledgerId !== id) return 'foreign';
  return restored_at !== null || (witnessed && witnessed.epoch > epoch) ? 'restored' : 'agree';
}
