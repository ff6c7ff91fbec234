import type { Kysely } from 'kysely';
import type { LedgerTransaction } from './ledger/ledger.ts';
import type { LedgerSchema } from './ledger/schema.ts';
import type { Answer } from './send/answer.ts';

/**
 * After this many sends of an account in a row without a definite answer nothing is sent for the first time: an hour
 * of 503 must not make a thousand unknowns. One re-send at a time probes; a definite answer opens the way again.
 * An expired lease does not count: it tells of a process of ours that died, not of KPay (docs/decisions/0009).
 */
export const BREAKER_AFTER = 5;

const REST_MS = 60_000;

/** Whether first sends of the account must wait. */
export async function isBreakerOpen(db: Kysely<LedgerSchema>, account: string): Promise<boolean> {
  const row = await db.selectFrom('kpay.accounts').select('unknown_streak').where('name', '=', account).executeTakeFirst();
  return row !== undefined && row.unknown_streak >= BREAKER_AFTER;
}

/** The hold that an open breaker means. It ends with the next definite answer of KPay, or is looked at again. */
export function breakerHold(now: Date): { verdict: 'hold'; code: 'breaker'; reason: string; until: Date } {
  const reason = `KPay gave no definite answer ${BREAKER_AFTER} times in a row: nothing new is sent until it does`;
  return { verdict: 'hold', code: 'breaker', reason, until: new Date(now.getTime() + REST_MS) };
}

/**
 * Counts an answer. To be called first in the transaction that settles an attempt: the account's row is locked before
 * any transfer's, always (law 10).
 */
export async function countAnswer(tx: LedgerTransaction, account: string, answer: Answer): Promise<void> {
  if (answer.kind === 'not_sent') return;
  const accounts = tx.db.updateTable('kpay.accounts').where('name', '=', account);
  if (answer.kind === 'unknown') {
    await accounts.set((it) => ({ unknown_streak: it('unknown_streak', '+', 1) })).execute();
    return;
  }
  const reset = await accounts.set({ unknown_streak: 0 }).where('unknown_streak', '>', 0).returning('name').executeTakeFirst();
  if (!reset) return;
  await tx.db
    .updateTable('kpay.transfers')
    .set({ due_at: tx.now })
    .where('account', '=', account)
    .where('state', '=', 'holding')
    .where('reason_code', '=', 'breaker')
    .execute();
}

/** Whether another re-send of the account is under way: while the breaker is open, one at a time is enough to probe. */
export async function isProbed(tx: LedgerTransaction, account: string): Promise<boolean> {
  const probe = await tx.db
    .selectFrom('kpay.transfers')
    .select('id')
    .where('account', '=', account)
    .where('state', '=', 'unconfirmed')
    .where('lease_until', '>', tx.now)
    .limit(1)
    .executeTakeFirst();
  return probe !== undefined;
}
