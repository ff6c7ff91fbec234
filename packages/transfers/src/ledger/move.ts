import { isFinal, type TransferState } from '../states.ts';
import { currentTraceparent } from '../trace-step.ts';
import type { LedgerTransaction } from './ledger.ts';
import type { TransferChanges, TransferRow } from './schema.ts';

export interface Move {
  to: TransferState;
  /** What happened, for the event: a short snake_case word such as `submitting` or `held`. */
  type: string;
  /** Who did it: `worker`, a key's owner, a person. */
  actor: string;
  reasonCode?: string;
  reason?: string;
  /** Kept with the event: ages of inputs, attempt numbers, evidence. No secrets, no phone numbers. */
  detail?: Record<string, unknown>;
  set?: TransferChanges;
}

/**
 * Moves a transfer on and writes the event that explains it, in the caller's transaction. It is a compare-and-set
 * on the version that `row` was read with: when somebody else moved the transfer meanwhile, nothing happens and
 * undefined comes back.
 *
 * What belongs to one state only is cleared unless `set` gives it: hold, lease, next due time.
 */
export async function move(tx: LedgerTransaction, row: TransferRow, { set, ...step }: Move): Promise<TransferRow | undefined> {
  const moved = await tx.db
    .updateTable('kpay.transfers')
    .set({
      reason_code: step.reasonCode ?? null,
      reason: step.reason ?? null,
      hold_until: null,
      lease_until: null,
      due_at: null,
      finished_at: isFinal(step.to) ? tx.now : null,
      moved_trace: currentTraceparent(),
      ...set,
      state: step.to,
      version: row.version + 1,
      updated_at: tx.now,
    })
    .where('id', '=', row.id)
    .where('version', '=', row.version)
    .returningAll()
    .executeTakeFirst();
  if (!moved) return undefined;
  await tx.db
    .insertInto('kpay.transfer_events')
    .values({
      transfer_id: row.id,
      version: moved.version,
      type: step.type,
      from_state: row.state,
      to_state: step.to,
      reason_code: step.reasonCode ?? null,
      reason: step.reason ?? null,
      actor: step.actor,
      detail: step.detail ? JSON.stringify(step.detail) : null,
      at: tx.now,
    })
    .execute();
  return moved;
}
