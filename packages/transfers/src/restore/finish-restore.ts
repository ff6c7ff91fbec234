import type { Ledger, LedgerRow, LedgerTransaction } from '@kpay/ledger';
import { sql } from 'kysely';
import { lockAccounts } from '../accounts/account-turn.ts';
import { insertEvents } from '../states/insert-events.ts';
import type { Epoch, EpochWitness } from './epoch-witness.ts';
import { readLedgerRow } from './ledger-epoch.ts';

// Small enough that a batch ends long before any lease.
const BATCH = 500;

/** How the end of a restore went. The tag is `outcome`, as the API's answer calls it. */
export type FinishedRestore =
  /** `moved` transfers are now in review. Sending continues with newly accepted and with resolved transfers. */
  | { outcome: 'finished'; moved: number }
  /** Nothing shows that this ledger was restored. Nothing was changed. */
  | { outcome: 'not_restored' };

/**
 * Finishes a restore (law 9): moves every unfinished transfer to review, because it may have been sent or cancelled
 * since the backup, and lets the workers send again. It may be interrupted or run twice: nothing is sent before its
 * last step.
 *
 * @param unseen finish although nothing shows that the ledger was restored.
 */
export async function finishRestore(
  ledger: Ledger,
  witness: EpochWitness,
  { by, keyId, unseen = false }: { by: string; keyId?: string | undefined; unseen?: boolean },
): Promise<FinishedRestore> {
  const witnessed = await witness.read();
  if (!(await ledger.transaction((tx) => stopSending(tx, witnessed, unseen)))) return { outcome: 'not_restored' };
  let moved = 0;
  for (;;) {
    const step = await ledger.transaction((tx) => reviewBatch(tx, by, keyId));
    moved += step.moved;
    if (!step.resumed) continue;
    // After the commit, so that the witness is never ahead.
    await witness.replace(step.resumed);
    return { outcome: 'finished', moved };
  }
}

/** Marks the ledger as restored, if it is not marked yet. @returns false when nothing shows that it was restored. */
async function stopSending(tx: LedgerTransaction, witnessed: Epoch | undefined, unseen: boolean): Promise<boolean> {
  await lockAccounts(tx);
  const row = await lockLedger(tx);
  const ownWitness = witnessed?.ledgerId === row.id ? witnessed : undefined;
  const foreign = witnessed !== undefined && !ownWitness;
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

/** Moves one batch. When no transfer is left, it starts an epoch later than any that was seen and removes the mark. */
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
 * Moves a batch to review. Each transfer counts as possibly sent, and as possibly refused by an answer that the backup
 * does not contain, so a conflict alone proves nothing any more (law 5). Spend limits count it from now on. The event
 * keeps what the ledger knew before, for the person who resolves it.
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
