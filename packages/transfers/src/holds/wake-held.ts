import type { LedgerTransaction } from '@kpay/ledger';
import { type RawBuilder, sql } from 'kysely';
import type { ReasonCode } from '../states/reasons.ts';
import { wakeCapacity } from './wake-capacity.ts';

/**
 * Makes those transfers of an account due that are held for `code` and of which `which` is true (`t` is the transfer), by
 * priority, then age, as many as there is room for. Whoever is woken is judged again, so one too many does no harm.
 * Several workers wake at once: whoever comes second takes the next ones.
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

/** Whether a transfer of the account is held for `code`. */
export async function isAnyHeld({ db }: LedgerTransaction, account: string, code: ReasonCode): Promise<boolean> {
  const held = db.selectFrom('kpay.transfers').select('id').where('account', '=', account);
  const one = await held.where('state', '=', 'holding').where('reason_code', '=', code).limit(1).executeTakeFirst();
  return one !== undefined;
}
