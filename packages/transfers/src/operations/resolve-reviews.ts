import type { Ledger, LedgerTransaction, TransferRow } from '@kpay/ledger';
import type { EpochWitness } from '../restore/epoch-witness.ts';
import { inVerifiedLedger } from '../restore/in-verified-ledger.ts';
import { type Resolution, resolveLocked, whyNot } from './resolve-review.ts';

/** Which transfers in review to resolve. A transfer must match every field that is set. */
export interface ReviewFilter {
  /** Why they are in review: `restored`, `unconfirmed_too_long`, … */
  reasonCode: string;
  account?: string;
  /** Accepted at this time or later. */
  acceptedFrom?: Date;
  /** Accepted before this time. */
  acceptedBefore?: Date;
}

export interface ResolvedReviews {
  resolved: number;
  /** Transfers for which this verdict is impossible; they stay in review. */
  skipped: number;
}

const BATCH = 200;

/**
 * Resolves many transfers in review with one verdict, each as resolveReview() does, in batches. If it breaks off,
 * resolved transfers stay resolved, and another call continues with the rest.
 *
 * @throws LedgerRestored, EpochUnknown as inVerifiedLedger does.
 */
export async function resolveReviews(
  ledger: Ledger,
  witness: EpochWitness,
  filter: ReviewFilter,
  resolution: Resolution,
): Promise<ResolvedReviews> {
  const total = { resolved: 0, skipped: 0 };
  let after: string | undefined;
  for (;;) {
    const batch = await inVerifiedLedger(ledger, witness, (tx) => resolveBatch(tx, filter, resolution, after));
    total.resolved += batch.resolved;
    total.skipped += batch.skipped;
    if (batch.last === undefined) return total;
    after = batch.last;
  }
}

async function resolveBatch(
  tx: LedgerTransaction,
  filter: ReviewFilter,
  resolution: Resolution,
  after: string | undefined,
): Promise<{ resolved: number; skipped: number; last: string | undefined }> {
  const rows = await lockReviews(tx, filter, after);
  const possible = rows.filter((row) => whyNot(row, resolution.verdict) === undefined);
  for (const row of possible) await resolveLocked(tx, row, resolution);
  return { resolved: possible.length, skipped: rows.length - possible.length, last: rows.at(-1)?.id };
}

async function lockReviews(tx: LedgerTransaction, filter: ReviewFilter, after: string | undefined): Promise<TransferRow[]> {
  let query = tx.db
    .selectFrom('kpay.transfers')
    .selectAll()
    .where('state', '=', 'review')
    .where('reason_code', '=', filter.reasonCode)
    .orderBy('id')
    .limit(BATCH)
    .forUpdate();
  if (filter.account !== undefined) query = query.where('account', '=', filter.account);
  if (filter.acceptedFrom !== undefined) query = query.where('created_at', '>=', filter.acceptedFrom);
  if (filter.acceptedBefore !== undefined) query = query.where('created_at', '<', filter.acceptedBefore);
  if (after !== undefined) query = query.where('id', '>', after);
  return query.execute();
}
