import type { Ledger, LedgerTransaction } from '@kpay/ledger';
import type { Epoch, EpochWitness } from './epoch-witness.ts';

/**
 * Commits a person's decision (a pause, a key, a cancel) and grows the ledger's epoch, in one transaction. A restore that
 * loses the decision is then detected, even after hours without a send (law 9).
 *
 * The decision does not wait for the witness. When the witness cannot be read, a mark on the ledger says that growth is owed,
 * and the next worker that can read it grows the epoch. Growing without reading could let a restored ledger catch up with its
 * witness unseen.
 */
export async function recordDecision<T>(
  ledger: Ledger,
  copy: EpochWitness,
  work: (tx: LedgerTransaction) => Promise<T>,
): Promise<T> {
  // The witness first: a ledger behind it was restored, and must not catch up by growing.
  const copied = await readIfReachable(copy);
  const { result, grown } = await ledger.transaction(async (tx) => {
    const result = await work(tx);
    if (copied !== 'unknown') return { result, grown: await growEpoch(tx, copied) };
    await tx.db.updateTable('kpay.ledger').set({ growth_owed: true }).execute();
    return { result, grown: undefined };
  });
  await writeWitness(copy, grown);
  return result;
}

/** Grows the epoch of a ledger that is not behind `copied`. Undefined when it is, or when a restore is not finished. */
export async function growEpoch(tx: LedgerTransaction, copied: Epoch | undefined): Promise<Epoch | undefined> {
  let row = tx.db
    .updateTable('kpay.ledger')
    .set((it) => ({ epoch: it('epoch', '+', 1), growth_owed: false }))
    .where('restored_at', 'is', null);
  if (copied) row = row.where('id', '=', copied.ledgerId).where('epoch', '>=', copied.epoch);
  const grown = await row.returning(['id', 'epoch']).executeTakeFirst();
  return grown && { ledgerId: grown.id, epoch: grown.epoch };
}

/** Writes the witness after the commit. If this fails, the witness is behind, which never looks like a restore; a worker repairs it. */
export async function writeWitness(copy: EpochWitness, grown: Epoch | undefined): Promise<void> {
  if (grown) await copy.write(grown).catch(() => undefined);
}

async function readIfReachable(copy: EpochWitness): Promise<Epoch | undefined | 'unknown'> {
  return copy.read().catch(() => 'unknown' as const);
}
