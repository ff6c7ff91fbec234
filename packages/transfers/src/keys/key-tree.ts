import type { ApiKeyRow, LedgerTransaction } from '@kpay/ledger';
import { type RawBuilder, sql } from 'kysely';
import { KeyEnded } from '../errors.ts';

/*
 * Keys of the admin API make keys: `created_by` is the id of the maker. Whoever locks several of them locks a maker before
 * what it made, so that nobody waits in a circle.
 */

export interface KeyOfLine {
  id: string;
  limits: { currency: string; amountMinor: string; hours: number }[] | null;
}

/** A key and the keys that it came of: the one that made it, the one that made that, and so on; the first of them first. */
export async function lineOfKey({ db }: LedgerTransaction, id: string): Promise<KeyOfLine[]> {
  const { rows } = await sql<KeyOfLine>`
    with recursive line (id, created_by, depth) as (
      select id, created_by, 0 from kpay.api_keys where id = ${id}
      union all
      select maker.id, maker.created_by, depth + 1 from line join kpay.api_keys maker on maker.id = line.created_by
    )
    select k.id, k.spend_limits as limits from line join kpay.api_keys k on k.id = line.id
    order by line.depth desc`.execute(db);
  return rows;
}

/**
 * Locks keys, in this order, against being revoked until the transaction ends.
 *
 * @param alone nobody else may hold them meanwhile; without it others may hold them in the same way.
 * @throws KeyEnded when one of them was revoked or has expired.
 */
export async function lockKeys(tx: LedgerTransaction, ids: readonly string[], alone = false): Promise<void> {
  const { rows } = await sql<Pick<ApiKeyRow, 'revoked_at' | 'expires_at'>>`
    select revoked_at, expires_at from kpay.api_keys where id = any(${ids}::text[])
    order by array_position(${ids}::text[], id) for ${alone ? sql`no key update` : sql`share`}`.execute(tx.db);
  refuseEnded(rows, ids.length, tx.now);
}

/** For who makes nothing with a key: it is not locked. @throws KeyEnded */
export async function requireGoodKey({ db, now }: LedgerTransaction, id: string): Promise<void> {
  const rows = await db.selectFrom('kpay.api_keys').select(['revoked_at', 'expires_at']).where('id', '=', id).execute();
  refuseEnded(rows, 1, now);
}

function refuseEnded(rows: readonly Pick<ApiKeyRow, 'revoked_at' | 'expires_at'>[], asked: number, now: Date): void {
  if (rows.length < asked || rows.some((key) => key.revoked_at !== null)) throw new KeyEnded('revoked');
  if (rows.some((key) => key.expires_at !== null && key.expires_at <= now)) throw new KeyEnded('expired');
}

/** A key and all keys that came of it, as the table `tree` of their ids and how far down they are; after `with recursive`. */
export function keysFrom(id: string): RawBuilder<unknown> {
  return sql`tree (id, depth) as (
    select ${id}::text, 0
    union all
    select made.id, depth + 1 from tree join kpay.api_keys made on made.created_by = tree.id
  )`;
}

/**
 * Ends a key and all keys that came of it. Whoever makes a key holds the line that it comes of (lineOfKey, lockKeys), so
 * that nothing is added to the tree once the first of it is locked.
 *
 * @returns the key, and the ids of the others that were good until now; undefined when it is none, was revoked before, or
 *   `may` says no.
 */
export async function revokeKeys(
  { db, now }: LedgerTransaction,
  id: string,
  by: string,
  may: (row: ApiKeyRow) => boolean,
): Promise<{ row: ApiKeyRow; others: string[] } | undefined> {
  const first = db.selectFrom('kpay.api_keys').selectAll().where('id', '=', id).where('revoked_at', 'is', null);
  const found = await first.forNoKeyUpdate().executeTakeFirst();
  if (!found || !may(found)) return undefined;
  const { rows: tree } = await sql<{ id: string }>`
    with recursive ${keysFrom(id)}
    select k.id from tree join kpay.api_keys k on k.id = tree.id
    where k.revoked_at is null order by tree.depth, k.id for no key update of k`.execute(db);
  const ids = tree.map((key) => key.id);
  const revoked = await db
    .updateTable('kpay.api_keys')
    .set({ revoked_at: now, revoked_by: by })
    .where('id', 'in', ids)
    .returningAll()
    .execute();
  const row = revoked.find((key) => key.id === id);
  return row && { row, others: ids.filter((each) => each !== id) };
}
