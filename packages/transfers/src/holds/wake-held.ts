import type { LedgerTransaction } from '@kpay/ledger';
import { type RawBuilder, sql } from 'kysely';
import type { ReasonCode } from '../states/reasons.ts';
import { wakeCapacity } from './wake-capacity.ts';

/**
 * Wakes transfers of an account that are held with the reason `code` and for which `which` is true (`t` is the
 * transfer), by priority, then age, within the wake capacity. Each woken transfer is checked again, so waking one too
 * many does no harm. When several workers wake at once, the second one takes the next transfers.
 *
 * @returns how many it woke.
 */
export async function wakeHeld(
  tx: LedgerTransaction,
  account: string,
  code: ReasonCode,
  which: RawBuilder<unknown> = sql`true`,
): Promise<number> {
  if (!(await isAnyHeld(tx, account, code))) return 0;
  const room = await wakeCapacity(tx, account);
  if (room === 0) return 0;
  const { rows } = await sql`
    update kpay.transfers set due_at = ${tx.now}
    where id in (
      select id from kpay.transfers t
      where account = ${account} and state = 'holding' and reason_code = ${code} and due_at > ${tx.now} and ${which}
      order by priority desc, created_at
      limit ${room}
      for update skip locked
    )
    returning id`.execute(tx.db);
  return rows.length;
}

/** Whether any transfer of the account is held with the reason `code`. */
export async function isAnyHeld({ db }: LedgerTransaction, account: string, code: ReasonCode): Promise<boolean> {
  const held = db.selectFrom('kpay.transfers').select('id').where('account', '=', account);
  const one = await held.where('state', '=', 'holding').where('reason_code', '=', code).limit(1).executeTakeFirst();
  return one !== undefined;
}
