import type { ApiKeyRow, LedgerTransaction } from '@kpay/ledger';
import { type RawBuilder, sql } from 'kysely';
import { KeyEnded } from '../errors.ts';

/*
 * Keys of the admin API can make keys; `created_by` is the id of the maker. A transaction that locks several keys locks each
 * maker before the keys it made, so that two transactions cannot deadlock.
 */

export interface KeyOfLine {
  id: string;
  limits: { currency: string; amountMinor: string; hours: number }[] | null;
}

/** A key and the keys above it: its maker, that key's maker, and so on. The topmost comes first. */
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
 * Locks keys, in the given order, so that they cannot be revoked before the transaction ends.
 *
 * @param alone true for an exclusive lock; otherwise the lock is shared.
 * @throws KeyEnded when one of them was revoked or has expired.
 */
export async function lockKeys(tx: LedgerTransaction, ids: readonly string[], alone = false): Promise<void> {
  const { rows } = await sql<Pick<ApiKeyRow, 'revoked_at' | 'expires_at'>>`
    select revoked_at, expires_at from kpay.api_keys where id = any(${ids}::text[])
    order by array_position(${ids}::text[], id) for ${alone ? sql`no key update` : sql`share`}`.execute(tx.db);
  refuseEnded(rows, ids.length, tx.now);
}

/** Checks a key without locking it, for a request that creates nothing. @throws KeyEnded */
export async function requireGoodKey({ db, now }: LedgerTransaction, id: string): Promise<void> {
  const rows = await db.selectFrom('kpay.api_keys').select(['revoked_at', 'expires_at']).where('id', '=', id).execute();
  refuseEnded(rows, 1, now);
}

function refuseEnded(rows: readonly Pick<ApiKeyRow, 'revoked_at' | 'expires_at'>[], asked: number, now: Date): void {
  if (rows.length < asked || rows.some((key) => key.revoked_at !== null)) throw new KeyEnded('revoked');
  if (rows.some((key) => key.expires_at !== null && key.expires_at <= now)) throw new KeyEnded('expired');
}

/** SQL: a key and all keys below it as the table `tree` of ids and depths; to follow `with recursive`. */
export function keysFrom(id: string): RawBuilder<unknown> {
  return sql`tree (id, depth) as (
    select ${id}::text, 0
    union all
    select made.id, depth + 1 from tree join kpay.api_keys made on made.created_by = tree.id
  )`;
}

/**
 * Revokes a key and all keys below it. A transaction that makes a key holds locks on all keys above it (lineOfKey,
 * lockKeys). So nothing is added to the tree once its first key is locked.
 *
 * @returns the key, and the ids of the others that were valid until now; undefined when there is no such key, it was
 *   revoked before, or `may` returns false.
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
