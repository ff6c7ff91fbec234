import type { Ledger } from '../ledger/ledger.ts';
import type { EpochCopy } from './epoch-copy.ts';
import { readLedgerRow } from './ledger-epoch.ts';

/** What the ledger's epoch and its copy say of each other. Undefined `copied`: there is none, the next worker writes it. */
export interface EpochState {
  verdict: 'agree' | 'restored' | 'foreign';
  epoch: number;
  copied: number | undefined;
}

/** Whether the ledger was restored, or the copy is of another one. It only looks: a worker marks and refuses. */
export async function lookAtEpoch(ledger: Ledger, copy: EpochCopy): Promise<EpochState> {
  // The copy first: the other way round a growth in between would look like a restore.
  const copied = await copy.read();
  const { id, epoch, restored_at } = await readLedgerRow(ledger.db);
  const state = { epoch, copied: copied?.epoch };
  if (copied && copied.ledgerId !== id) return { ...state, verdict: 'foreign' };
  return { ...state, verdict: restored_at !== null || (copied && copied.epoch > epoch) ? 'restored' : 'agree' };
}
