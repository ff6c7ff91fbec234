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
  witness: EpochWitness,
  work: (tx: LedgerTransaction) => Promise<T>,
): Promise<T> {
  // The witness is read first: a ledger behind it was restored, and must not catch up by growing.
  const witnessed = await readIfReachable(witness);
  const { result, grown } = await ledger.transaction(async (tx) => {
    const result = await work(tx);
    if (witnessed !== 'unknown') return { result, grown: await growEpoch(tx, witnessed) };
    await tx.db.updateTable('kpay.ledger').set({ growth_owed: true }).execute();
    return { result, grown: undefined };
  });
  await writeWitness(witness, grown);
  return result;
}

/**
 * Grows the epoch of a ledger that is not behind `witnessed`. Undefined when it is behind, or a restore is not
 * finished.
 */
export async function growEpoch(tx: LedgerTransaction, witnessed: Epoch | undefined): Promise<Epoch | undefined> {
  let row = tx.db
    .updateTable('kpay.ledger')
    .set((it) => ({ epoch: it('epoch', '+', 1), growth_owed: false }))
    .where('restored_at', 'is', null);
  if (witnessed) row = row.where('id', '=', witnessed.ledgerId).where('epoch', '>=', witnessed.epoch);
  const grown = await row.returning(['id', 'epoch']).executeTakeFirst();
  return grown && { ledgerId: grown.id, epoch: grown.epoch };
}

/** Writes the witness after the commit. If this fails, the witness is behind, which never looks like a restore; a worker repairs it. */
export async function writeWitness(witness: EpochWitness, grown: Epoch | undefined): Promise<void> {
  if (grown) await witness.write(grown).catch(() => undefined);
}

async function readIfReachable(witness: EpochWitness): Promise<Epoch | undefined | 'unknown'> {
  return witness.read().catch(() => 'unknown' as const);
}
