import type { Ledger, LedgerTransaction } from '@kpay/ledger';
import type { Epoch, EpochCopy } from './epoch-copy.ts';

/**
 * Commits what a person decides (a pause, a key, a cancel) and grows the ledger's epoch with it, in one transaction. A
 * restore that forgets the decision is noticed then, also after hours without a send (law 9).
 *
 * The decision does not wait for the copy: with Redis away it is committed all the same. The growth is owed then, by a mark
 * on the ledger, and made up for by the next worker that can read the copy: unread, the growth of a restored ledger could
 * catch up with it.
 */
export async function decide<T>(ledger: Ledger, copy: EpochCopy, work: (tx: LedgerTransaction) => Promise<T>): Promise<T> {
  // The copy first: a ledger that is behind it was restored, and must not catch up with it by growing.
  const copied = await readIfReachable(copy);
  const { result, grown } = await ledger.transaction(async (tx) => {
    const result = await work(tx);
    if (copied !== 'unknown') return { result, grown: await growEpoch(tx, copied) };
    await tx.db.updateTable('kpay.ledger').set({ growth_owed: true }).execute();
    return { result, grown: undefined };
  });
  await copyEpoch(copy, grown);
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

/** After the commit. If this fails the copy is behind, which is never mistaken for a restore; a worker's look makes up for it. */
export async function copyEpoch(copy: EpochCopy, grown: Epoch | undefined): Promise<void> {
  if (grown) await copy.write(grown).catch(() => undefined);
}

async function readIfReachable(copy: EpochCopy): Promise<Epoch | undefined | 'unknown'> {
  return copy.read().catch(() => 'unknown' as const);
}
