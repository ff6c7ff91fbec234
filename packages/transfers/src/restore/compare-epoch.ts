import type { Ledger, LedgerRow } from '@kpay/ledger';
import type { Epoch, EpochWitness } from './epoch-witness.ts';
import { readLedgerRow } from './ledger-epoch.ts';

/** What the ledger's epoch and its copy say of each other. Undefined `copied`: there is none, the next worker writes it. */
export interface EpochState {
  verdict: 'agree' | 'restored' | 'foreign';
  epoch: number;
  copied: number | undefined;
}

/** Whether the ledger was restored, or the copy is of another one. It only looks: a worker marks and refuses. */
export async function compareEpoch(ledger: Ledger, copy: EpochWitness): Promise<EpochState> {
  // The copy first: the other way round a growth in between would look like a restore.
  const copied = await copy.read();
  const row = await readLedgerRow(ledger.db);
  return { verdict: judgeEpoch(row, copied), epoch: row.epoch, copied: copied?.epoch };
}

/** What the ledger and a copy that was read before it say of each other. */
export function judgeEpoch({ id, epoch, restored_at }: LedgerRow, copied: Epoch | undefined): EpochState['verdict'] {
  if (copied && copied.ledgerId !== id) return 'foreign';
  return restored_at !== null || (copied && copied.epoch > epoch) ? 'restored' : 'agree';
}
