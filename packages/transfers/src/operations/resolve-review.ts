import type { Ledger, LedgerTransaction, TransferRow } from '@kpay/ledger';
import { InvalidRequest } from '../errors.ts';
import type { EpochWitness } from '../restore/epoch-witness.ts';
import { inVerifiedLedger } from '../restore/in-verified-ledger.ts';
import { type Transition, transition } from '../states/transition.ts';

/**
 * What a person found: it `happened`, it did `not_happen`, or it should be sent again under the same id. `unchanged` is
 * for a transfer that a restore put into review: nothing was done to it since the backup, so it continues where the
 * backup left it.
 */
export const reviewResolutions = ['happened', 'not_happened', 'send_again', 'unchanged'] as const;
export type ReviewResolution = (typeof reviewResolutions)[number];

export interface Resolution {
  by: string;
  /** The API key that makes the request. */
  keyId?: string | undefined;
  verdict: ReviewResolution;
  /** How the person knows it. */
  reason: string;
  /** Where it can be seen: a receipt, a ticket, KPay's own id. */
  evidence?: string;
  /** Resolves only this version; any version by default. */
  version?: number | undefined;
}

/**
 * Resolves a transfer in review by what a person found out at KPay. This is the only way out of review.
 *
 * @returns `not_in_review` with the present transfer when there is nothing to resolve; undefined when there is no such
 *   transfer.
 * @throws InvalidRequest when the verdict is impossible for this transfer; LedgerRestored, EpochUnknown as
 *   inVerifiedLedger does.
 */
export async function resolveReview(
  ledger: Ledger,
  witness: EpochWitness,
  id: string,
  resolution: Resolution,
): Promise<{ outcome: 'resolved' | 'not_in_review' | 'changed'; transfer: TransferRow } | undefined> {
  return inVerifiedLedger(ledger, witness, async (tx) => {
    const row = await tx.db.selectFrom('kpay.transfers').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
    if (!row) return undefined;
    if (resolution.version !== undefined && row.version !== resolution.version) return { outcome: 'changed', transfer: row };
    if (row.state !== 'review') return { outcome: 'not_in_review', transfer: row };
    const impossible = whyNot(row, resolution.verdict);
    if (impossible !== undefined) throw new InvalidRequest('verdict', impossible);
    return { outcome: 'resolved', transfer: await resolveLocked(tx, row, resolution) };
  });
}

/** Resolves a transfer in review. The caller has locked its row, and whyNot() found no objection. */
export async function resolveLocked(tx: LedgerTransaction, row: TransferRow, resolution: Resolution): Promise<TransferRow> {
  const { verdict } = resolution;
  const step =
    verdict === 'unchanged' ? await transitionBack(tx, row, resolution) : transitionOf(row, { ...resolution, verdict }, tx.now);
  const due = step.to === 'unconfirmed' ? { due_at: await lastLeaseEnd(tx, row) } : {};
  const resolved = await transition(tx, row, { ...step, set: { ...step.set, ...due } });
  if (!resolved) throw new Error(`transfer ${row.id} moved under its lock`);
  return resolved;
}

/**
 * The time to send again: now, or when the last attempt's lease ends. An attempt may have been under way at the moment
 * of a restore, and no second one may begin beside it.
 */
async function lastLeaseEnd(tx: LedgerTransaction, row: TransferRow): Promise<Date> {
  const underWay = await tx.db
    .selectFrom('kpay.attempts')
    .select('lease_until')
    .where('transfer_id', '=', row.id)
    .where('number', '=', row.attempts)
    .where('ended_at', 'is', null)
    .where('lease_until', '>', tx.now)
    .executeTakeFirst();
  return underWay?.lease_until ?? tx.now;
}

/** Why a verdict is impossible for this transfer, as text that follows its name; undefined when it is possible. */
export function whyNot(row: TransferRow, verdict: ReviewResolution): string | undefined {
  if (verdict === 'unchanged' && row.reason_code !== 'restored') {
    return 'unchanged is for a transfer that a restore put into review';
  }
  if (verdict === 'send_again' && row.send_body === null) {
    return 'send_again is for a transfer that this ledger knows to have been sent: say unchanged if it was not sent since the backup';
  }
  return undefined;
}

/**
 * Returns the transfer to its state in the backup. If it was unsent then, it is checked again before the send; if it
 * was sent, it is sent again.
 */
async function transitionBack(
  tx: LedgerTransaction,
  row: TransferRow,
  { by, keyId, reason, evidence }: Resolution,
): Promise<Transition> {
  const restored = await tx.db
    .selectFrom('kpay.transfer_events')
    .selectAll()
    .where('transfer_id', '=', row.id)
    .where('type', '=', 'restored')
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow();
  const before = restored.detail as { possiblySent: boolean; refusedBefore: boolean };
  const detail = { verdict: 'unchanged', reason, ...(evidence !== undefined && { evidence }) };
  const common = { actor: by, keyId, type: 'resolved', detail } as const;
  if (restored.from_state === 'submitting' || restored.from_state === 'unconfirmed') {
    return {
      ...common,
      to: 'unconfirmed',
      reasonCode: 'outcome_unknown',
      reason: `sent again by ${by}: ${reason}`,
      set: {
        unknown_since: tx.now,
        refused_before: before.refusedBefore,
        tries: 0,
      },
    };
  }
  const set = { possibly_sent: before.possiblySent, refused_before: before.refusedBefore, tries: 0 };
  if (restored.from_state === 'awaiting_approval') return { ...common, to: 'awaiting_approval', set };
  return { ...common, to: 'queued', set: { ...set, due_at: tx.now } };
}

function transitionOf(
  row: TransferRow,
  { by, keyId, verdict, reason, evidence }: Resolution & { verdict: Exclude<ReviewResolution, 'unchanged'> },
  now: Date,
): Transition {
  const detail = { verdict, reason, ...(evidence !== undefined && { evidence }) };
  const common = { actor: by, keyId, type: 'resolved', detail } as const;
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
          // The 24 hours for re-sends start again, because a person has checked the transfer.
          unknown_since: now,
          first_conflict_at: null,
          tries: 0,
          // No send of ours was ever left without an answer. So a 409 would concern another sender's transfer and prove
          // nothing.
          ...(row.possibly_sent ? {} : { refused_before: true }),
        },
      };
  }
}
