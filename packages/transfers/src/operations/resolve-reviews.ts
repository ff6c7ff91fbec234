import type { Ledger, LedgerTransaction, TransferRow } from '@kpay/ledger';
import type { EpochWitness } from '../restore/epoch-witness.ts';
import { inVerifiedLedger } from '../restore/in-verified-ledger.ts';
import { type Resolution, resolveLocked, whyNot } from './resolve-review.ts';

/** Which transfers in review are meant: all of these at once. */
export interface ReviewFilter {
  /** Why they are there: `restored`, `unconfirmed_too_long`, … */
  reasonCode: string;
  account?: string;
  /** Accepted at this time or later. */
  acceptedFrom?: Date;
  /** Accepted before this time. */
  acceptedBefore?: Date;
}

export interface ResolvedReviews {
  resolved: number;
  /** The verdict cannot be one on these; they stay in review. */
  left: number;
}

const BATCH = 200;

/**
 * Settles many transfers in review by one finding, each as resolveReview() does. In batches: what is settled stays so
 * when it breaks off, and running it again goes on with the rest.
 *
 * @throws LedgerRestored, EpochUnknown as inVerifiedLedger does.
 */
export async function resolveReviews(
  ledger: Ledger,
  copy: EpochWitness,
  filter: ReviewFilter,
  resolution: Resolution,
): Promise<ResolvedReviews> {
  const total = { resolved: 0, left: 0 };
  let after: string | undefined;
  for (;;) {
    const batch = await inVerifiedLedger(ledger, copy, (tx) => resolveBatch(tx, filter, resolution, after));
    total.resolved += batch.resolved;
    total.left += batch.left;
    if (batch.last === undefined) return total;
    after = batch.last;
  }
}

async function resolveBatch(
  tx: LedgerTransaction,
  filter: ReviewFilter,
  resolution: Resolution,
  after: string | undefined,
): Promise<{ resolved: number; left: number; last: string | undefined }> {
  const rows = await lockReviews(tx, filter, after);
  const possible = rows.filter((row) => whyNot(row, resolution.verdict) === undefined);
  for (const row of possible) await resolveLocked(tx, row, resolution);
  return { resolved: possible.length, left: rows.length - possible.length, last: rows.at(-1)?.id };
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
