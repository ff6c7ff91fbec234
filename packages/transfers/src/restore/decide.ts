import type { Ledger, LedgerTransaction } from '../ledger/ledger.ts';
import type { Epoch, EpochCopy } from './epoch-copy.ts';

/**
 * Commits what a person decides (a pause, a key, a cancel) and grows the ledger's epoch with it, in one transaction. A
 * restore that forgets the decision is noticed then, also after hours without a send (law 9).
 *
 * The decision does not wait for the copy: with Redis away it is committed all the same, and the next growth is copied.
 */
export async function decide<T>(ledger: Ledger, copy: EpochCopy, work: (tx: LedgerTransaction) => Promise<T>): Promise<T> {
  // The copy first: a ledger that is behind it was restored, and must not catch up with it by growing.
  const copied = await readIfReachable(copy);
  const { result, grown } = await ledger.transaction(async (tx) => {
    const result = await work(tx);
    return { result, grown: copied === 'unknown' ? undefined : await growEpoch(tx, copied) };
  });
  await copyEpoch(copy, grown);
  return result;
}

/** Grows the epoch of a ledger that is not behind `copied`. Undefined when it is, or when a restore is not finished. */
export async function growEpoch(tx: LedgerTransaction, copied: Epoch | undefined): Promise<Epoch | undefined> {
  let row = tx.db
    .updateTable('kpay.ledger')
    .set((it) => ({ epoch: it('epoch', '+', 1) }))
    .where('restored_at', 'is', null);
  if (copied) row = row.where('id', '=', copied.ledgerId).where('epoch', '>=', copied.epoch);
  const grown = await row.returning(['id', 'epoch']).executeTakeFirst();
  return grown && { ledgerId: grown.id, epoch: grown.epoch };
}

/** After the commit. If this fails the copy is behind, which is never mistaken for a restore. */
export async function copyEpoch(copy: EpochCopy, grown: Epoch | undefined): Promise<void> {
  if (grown) await copy.write(grown).catch(() => undefined);
}

async function readIfReachable(copy: EpochCopy): Promise<Epoch | undefined | 'unknown'> {
  return copy.read().catch(() => 'unknown' as const);
}
