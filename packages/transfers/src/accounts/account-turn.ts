import type { LedgerTransaction } from '@kpay/ledger';
import { type RawBuilder, sql } from 'kysely';

// Shared row locks have no queue: one that comes later joins those that hold the row, past whoever waits for it alone, so
// that senders in a row keep a pause waiting for ever. Locks of the lock manager have one. This one guards nothing: the
// rows' locks do, and a process that does not know it is only not in the queue.
const CLASS = 0x6b706179;

/** A sender's turn: together with others, behind whoever waits to be alone. To be read in the statement that locks the account's row. */
export function senderTurn(account: string): RawBuilder<unknown> {
  return sql`pg_advisory_xact_lock_shared(${sql.lit(CLASS)}, hashtext(${account}))`;
}

/** Waits for this transaction's turn at an account, before its row is locked. The turn ends with the transaction. */
export async function takeTurn(tx: LedgerTransaction, account: string, lock: 'share' | 'update'): Promise<void> {
  const turn = lock === 'share' ? senderTurn(account) : aloneAt(sql`${account}::text`);
  await sql`select ${turn}`.execute(tx.db);
}

/** Locks the rows of all accounts, or of one, for this transaction alone: sends that are being committed are waited for. */
export async function lockAccounts(tx: LedgerTransaction, account: string | null = null): Promise<void> {
  const wanted = account === null ? sql`` : sql`where name = ${account}`;
  await sql`select ${aloneAt(sql`name`)} from (select name from kpay.accounts ${wanted} order by name) a`.execute(tx.db);
  await sql`select name from kpay.accounts ${wanted} order by name for update`.execute(tx.db);
}

function aloneAt(account: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`pg_advisory_xact_lock(${sql.lit(CLASS)}, hashtext(${account}))`;
}
