import type { Ledger } from '../ledger/ledger.ts';
import { type Move, move } from '../ledger/move.ts';
import type { TransferRow } from '../ledger/schema.ts';

/** What a person found out: it `happened`, it did `not_happen`, or it is to be sent again under the same id. */
export type Verdict = 'happened' | 'not_happened' | 'send_again';

export interface Resolution {
  by: string;
  verdict: Verdict;
  /** How it is known. */
  reason: string;
  /** Where it can be seen: a receipt, a ticket, KPay's own id. */
  evidence?: string;
  /** Only this version of it is resolved; whatever it is unless given. */
  version?: number | undefined;
}

/**
 * Settles a transfer in review by what a person found out at KPay. It is the only way out of review.
 *
 * @returns `not_in_review` with the transfer as it is when there is nothing to resolve; undefined when there is none.
 */
export async function resolveReview(
  ledger: Ledger,
  id: string,
  resolution: Resolution,
): Promise<{ outcome: 'resolved' | 'not_in_review' | 'changed'; transfer: TransferRow } | undefined> {
  return ledger.transaction(async (tx) => {
    const row = await tx.db.selectFrom('kpay.transfers').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
    if (!row) return undefined;
    if (resolution.version !== undefined && row.version !== resolution.version) return { outcome: 'changed', transfer: row };
    if (row.state !== 'review') return { outcome: 'not_in_review', transfer: row };
    const resolved = await move(tx, row, moveOf(row, resolution, tx.now));
    if (!resolved) throw new Error(`transfer ${id} moved under its lock`);
    return { outcome: 'resolved', transfer: resolved };
  });
}

function moveOf(row: TransferRow, { by, verdict, reason, evidence }: Resolution, now: Date): Move {
  const detail = { verdict, reason, ...(evidence !== undefined && { evidence }) };
  const common = { actor: by, type: 'resolved', detail };
  switch (verdict) {
    case 'happened':
      return { ...common, to: 'succeeded', set: { confirmed_by: 'person', resolved_by: by } };
    case 'not_happened':
      return {
        ...common,
        to: 'failed',
        reasonCode: 'resolved',
        reason: `${by} found that it did not happen: ${reason}`,
        set: { resolved_by: by },
      };
    case 'send_again':
      return {
        ...common,
        to: 'unconfirmed',
        reasonCode: 'outcome_unknown',
        reason: `sent again by ${by}: ${reason}`,
        set: {
          possibly_sent: true,
          // The 24 hours of re-sends begin anew: a person has looked.
          unknown_since: now,
          first_conflict_at: null,
          tries: 0,
          due_at: now,
          // Nothing of ours was ever sent without an answer: a 409 would be somebody else's, and proves nothing.
          ...(row.possibly_sent ? {} : { refused_before: true }),
        },
      };
  }
}
