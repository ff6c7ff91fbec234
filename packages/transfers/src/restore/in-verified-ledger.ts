import type { Ledger, LedgerTransaction } from '@kpay/ledger';
import { EpochUnknown, LedgerRestored } from '../errors.ts';
import { epochVerdict } from './compare-epoch.ts';
import type { Epoch, EpochWitness } from './epoch-witness.ts';
import { readLedgerRow } from './ledger-epoch.ts';
import { growEpoch, writeWitness } from './record-decision.ts';

/**
 * Runs a person's decision about transfers in a transaction, unless the ledger was restored from a backup. A restored
 * ledger may show a transfer as queued that was sent since. The epoch witness shows the restore even when no worker has
 * noticed it; LedgerEpoch stops sends. The epoch grows in the same transaction, so that a later restore that loses the
 * decision is noticed.
 *
 * @throws LedgerRestored until finishRestore() has ended; EpochUnknown while the witness cannot be read.
 */
export async function inVerifiedLedger<T>(
  ledger: Ledger,
  witness: EpochWitness,
  work: (tx: LedgerTransaction) => Promise<T>,
): Promise<T> {
  // The witness is read first. In the other order, an epoch that grows in between would look like a restore.
  const witnessed = await readWitness(witness);
  const { result, grown } = await ledger.transaction(async (tx) => {
    const verdict = epochVerdict(await readLedgerRow(tx.db), witnessed);
    if (verdict === 'restored') {
      throw new LedgerRestored(
        'the ledger was restored from a backup, so what it says of a transfer may be untrue: run kpay restore finish first (docs/runbook.md)',
      );
    }
    if (verdict === 'foreign') {
      throw new LedgerRestored(
        'the epoch witness belongs to another ledger than this database: correct DATABASE_URL or REDIS_URL, or run kpay restore finish first (docs/runbook.md)',
      );
    }
    const result = await work(tx);
    return { result, grown: await growEpoch(tx, witnessed) };
  });
  await writeWitness(witness, grown);
  return result;
}

async function readWitness(witness: EpochWitness): Promise<Epoch | undefined> {
  try {
    return await witness.read();
  } catch (cause) {
    throw new EpochUnknown(
      'the epoch witness cannot be read, so a restore of the ledger from a backup cannot be ruled out: try again later',
      { cause },
    );
  }
}
