import { sql } from 'kysely';
import type { Ledger } from './ledger/ledger.ts';
import type { TransferEventRow, TransferRow } from './ledger/schema.ts';
import type { TransferState } from './states.ts';

export interface TransferFilter {
  account?: string;
  state?: TransferState;
  externalId?: string;
}

/** Where a page ended: the next one starts after this transfer. */
export interface TransferPosition {
  createdAt: Date;
  id: string;
}

export async function findTransfer(ledger: Ledger, id: string): Promise<TransferRow | undefined> {
  return ledger.db.selectFrom('kpay.transfers').selectAll().where('id', '=', id).executeTakeFirst();
}

/** The newest transfers first, at most `limit` (rows are found by index, however far the page is from the start). */
export async function listTransfers(
  ledger: Ledger,
  filter: TransferFilter,
  { limit, after }: { limit: number; after?: TransferPosition },
): Promise<TransferRow[]> {
  let query = ledger.db.selectFrom('kpay.transfers').selectAll().orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit);
  if (filter.account !== undefined) query = query.where('account', '=', filter.account);
  if (filter.state !== undefined) query = query.where('state', '=', filter.state);
  if (filter.externalId !== undefined) query = query.where('external_id', '=', filter.externalId);
  if (after) query = query.where(sql<boolean>`(created_at, id) < (${after.createdAt}, ${after.id}::uuid)`);
  return query.execute();
}

/** Everything that happened to a transfer, oldest first. */
export async function listTransferEvents(ledger: Ledger, transferId: string): Promise<TransferEventRow[]> {
  return ledger.db
    .selectFrom('kpay.transfer_events')
    .selectAll()
    .where('transfer_id', '=', transferId)
    .orderBy('version')
    .execute();
}
