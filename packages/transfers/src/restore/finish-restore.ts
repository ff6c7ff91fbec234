import type { Ledger, LedgerRow, LedgerTransaction } from '@kpay/ledger';
import { sql } from 'kysely';
import { lockAccounts } from '../accounts/account-turn.ts';
import { insertEvents } from '../states/insert-events.ts';
import type { Epoch, EpochWitness } from './epoch-witness.ts';
import { readLedgerRow } from './ledger-epoch.ts';

// Few enough that a batch is over long before anybody's lease is.
const BATCH = 500;

/** How the end of a restore went. The tag is `outcome`, as the API's answer calls it. */
export type FinishedRestore =
  /** `moved` transfers are now in review; sending goes on with what is accepted from here on, and what is settled. */
  | { outcome: 'finished'; moved: number }
  /** Nothing says that this ledger was restored, and nothing was changed. */
  | { outcome: 'not_restored' };

/**
 * Ends a restore (law 9): moves every unfinished transfer to review, because it may have been sent or cancelled since
 * the backup, and lets the workers send again. Dying in the middle and running twice are safe: until the last step
 * nobody sends.
 *
 * @param unseen the ledger was restored although nothing could notice it: do it all the same.
 */
export async function finishRestore(
  ledger: Ledger,
  copy: EpochWitness,
  { by, keyId, unseen = false }: { by: string; keyId?: string | undefined; unseen?: boolean },
): Promise<FinishedRestore> {
  const copied = await copy.read();
  if (!(await ledger.transaction((tx) => stopSending(tx, copied, unseen)))) return { outcome: 'not_restored' };
  let moved = 0;
  for (;;) {
    const step = await ledger.transaction((tx) => reviewBatch(tx, by, keyId));
    moved += step.moved;
    if (!step.resumed) continue;
    // After the commit, so that the copy is never ahead.
    await copy.replace(step.resumed);
    return { outcome: 'finished', moved };
  }
}

/** Marks the ledger as restored unless it is. @returns false when nothing says that it was. */
async function stopSending(tx: LedgerTransaction, copied: Epoch | undefined, unseen: boolean): Promise<boolean> {
  await lockAccounts(tx);
  const row = await lockLedger(tx);
  const ownWitness = copied?.ledgerId === row.id ? copied : undefined;
  const foreign = copied !== undefined && !ownWitness;
  const behind = ownWitness !== undefined && ownWitness.epoch > row.epoch;
  if (row.restored_at === null && !behind && !foreign && !unseen) return false;
  await tx.db
    .updateTable('kpay.ledger')
    .set({
      restored_at: row.restored_at ?? tx.now,
      seen_epoch: Math.max(row.epoch, row.seen_epoch ?? 0, ownWitness?.epoch ?? 0),
    })
    .execute();
  return true;
}

/** Moves some; when none are left, begins a new epoch that is later than any that was seen, and lifts the mark. */
async function reviewBatch(
  tx: LedgerTransaction,
  by: string,
  keyId: string | undefined,
): Promise<{ moved: number; resumed?: Epoch }> {
  const moved = await moveToReview(tx, by, keyId);
  if (moved === BATCH) return { moved };
  const row = await lockLedger(tx);
  const epoch = Math.max(row.epoch, row.seen_epoch ?? 0) + 1;
  await tx.db.updateTable('kpay.ledger').set({ epoch, restored_at: null, seen_epoch: null, growth_owed: false }).execute();
  return { moved, resumed: { ledgerId: row.id, epoch } };
}

async function lockLedger(tx: LedgerTransaction): Promise<LedgerRow> {
  await tx.db.selectFrom('kpay.ledger').select('id').forUpdate().execute();
  return readLedgerRow(tx.db);
}

/**
 * It counts as possibly sent, and an answer that the backup does not know may have refused it: a conflict alone proves
 * nothing any more (law 5). Spend limits count it from now on. What the ledger
 * knew before is kept in the event, for whoever settles it.
 */
async function moveToReview(tx: LedgerTransaction, by: string, keyId: string | undefined): Promise<number> {
  const reason = 'the ledger was restored from a backup: since then this transfer may have been sent or cancelled';
  const { rows } = await sql`
    with old as (
      select id, state, possibly_sent, refused_before, lease_until, reason from kpay.transfers
      where state in ('awaiting_approval', 'queued', 'holding', 'submitting', 'unconfirmed')
      order by id limit ${BATCH} for update
    ), moved as (
      update kpay.transfers t set
        state = 'review', version = t.version + 1, reason_code = 'restored', reason = ${reason},
        possibly_sent = true, refused_before = true, sent_at = ${tx.now},
        hold_until = null, lease_until = null, due_at = null, updated_at = ${tx.now}
      from old where t.id = old.id
      returning t.id, t.version, old.state as old_state,
        jsonb_build_object('possiblySent', old.possibly_sent, 'refusedBefore', old.refused_before, 'reason', old.reason) as before
    )
    ${insertEvents(sql`moved`, {
      type: 'restored',
      fromState: sql`old_state`,
      toState: sql`'review'`,
      reasonCode: sql`'restored'`,
      reason: sql`${reason}::text`,
      actor: sql`${by}::text`,
      keyId: sql`${keyId ?? null}::text`,
      detail: sql`before`,
      at: sql`${tx.now}::timestamptz`,
    })}
    returning transfer_id`.execute(tx.db);
  return rows.length;
}
