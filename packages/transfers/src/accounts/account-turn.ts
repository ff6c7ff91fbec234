import type { LedgerTransaction } from '@kpay/ledger';
import { type RawBuilder, sql } from 'kysely';

// Row locks that are shared have no queue: a new sender joins the current holders and overtakes whoever waits for the
// row alone. So a stream of senders could keep a pause waiting for ever. Advisory locks do have a queue, so they give
// each sender a turn. They protect nothing by themselves; the row locks do. A process that does not take a turn is only
// not in the queue.
const CLASS = 0x6b706179;

/**
 * SQL that takes a sender's turn: shared with other senders, behind whoever waits to be alone. Use it in the statement
 * that locks the account's row.
 */
export function senderTurn(account: string): RawBuilder<unknown> {
  return sql`pg_advisory_xact_lock_shared(${sql.lit(CLASS)}, hashtext(${account}))`;
}

/**
 * Waits for this transaction's turn at an account, before the account's row is locked. The turn ends with the
 * transaction.
 */
export async function takeTurn(tx: LedgerTransaction, account: string, lock: 'share' | 'update'): Promise<void> {
  const turn = lock === 'share' ? senderTurn(account) : aloneAt(sql`${account}::text`);
  await sql`select ${turn}`.execute(tx.db);
}

/**
 * Locks the rows of all accounts, or of one, for this transaction alone. It waits for sends that are being committed.
 */
export async function lockAccounts(tx: LedgerTransaction, account: string | null = null): Promise<void> {
  const wanted = account === null ? sql`` : sql`where name = ${account}`;
  await sql`select ${aloneAt(sql`name`)} from (select name from kpay.accounts ${wanted} order by name) a`.execute(tx.db);
  await sql`select name from kpay.accounts ${wanted} order by name for update`.execute(tx.db);
}

function aloneAt(account: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`pg_advisory_xact_lock(${sql.lit(CLASS)}, hashtext(${account}))`;
}
