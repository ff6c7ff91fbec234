import type { Ledger, LedgerTransaction } from '@kpay/ledger';
import { EpochUnknown, LedgerRestored } from '../errors.ts';
import { judgeEpoch } from './compare-epoch.ts';
import type { Epoch, EpochWitness } from './epoch-witness.ts';
import { readLedgerRow } from './ledger-epoch.ts';
import { growEpoch, writeWitness } from './record-decision.ts';

/**
 * Runs what a person says of transfers in a transaction, unless the ledger was restored from a backup: what it takes for
 * queued may have been sent since. Nobody need have noticed the restore: the copy of the epoch tells. Sends are kept
 * off by LedgerEpoch. The epoch grows with it, so that a restore which forgets it is noticed.
 *
 * @throws LedgerRestored until finishRestore() is over, EpochUnknown while the copy cannot be read.
 */
export async function inVerifiedLedger<T>(
  ledger: Ledger,
  copy: EpochWitness,
  work: (tx: LedgerTransaction) => Promise<T>,
): Promise<T> {
  // The copy first: the other way round a growth in between would look like a restore.
  const copied = await readWitness(copy);
  const { result, grown } = await ledger.transaction(async (tx) => {
    const verdict = judgeEpoch(await readLedgerRow(tx.db), copied);
    if (verdict === 'restored') {
      throw new LedgerRestored(
        'the ledger was restored from a backup, so what it says of a transfer may be untrue: run kpay restore finish first (docs/runbook.md)',
      );
    }
    if (verdict === 'foreign') {
      throw new LedgerRestored(
        'the copy of the epoch is of another ledger than this database: bring the two together that belong together, or run kpay restore finish first (docs/runbook.md)',
      );
    }
    const result = await work(tx);
    return { result, grown: await growEpoch(tx, copied) };
  });
  await writeWitness(copy, grown);
  return result;
}

async function readWitness(copy: EpochWitness): Promise<Epoch | undefined> {
  try {
    return await copy.read();
  } catch (cause) {
    throw new EpochUnknown(
      'the copy of the epoch cannot be read, which tells whether the ledger was restored from a backup: try again when it can be',
      { cause },
    );
  }
}
