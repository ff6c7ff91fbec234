import type { LedgerTransaction } from '@kpay/ledger';
import { type RawBuilder, sql } from 'kysely';
import { insertEvents } from '../states/insert-events.ts';
import type { ReasonCode } from '../states/reasons.ts';

/** No more than fit into the advance queue at once, so that one statement stays short. */
const HELD_AT_ONCE = 1_000;

/**
 * Holds up to 1,000 due, queued transfers in one statement. It is the transition that each would make by itself, with the
 * same event.
 *
 * @param which joins and conditions over `t`, the transfers.
 * @param hold `until` is SQL, evaluated for each row.
 */
export async function holdQueued(
  { db, now }: LedgerTransaction,
  which: { from: RawBuilder<unknown>; where: RawBuilder<unknown> },
  hold: { code: ReasonCode; reason: string; until: RawBuilder<unknown> },
): Promise<void> {
  const { code, reason, until } = hold;
  await sql`
    with held as (
      update kpay.transfers set state = 'holding', version = version + 1, reason_code = ${code}, reason = ${reason},
        hold_until = ${until}, due_at = least(${until}, expires_at), updated_at = ${now}
      where id in (
        select t.id from ${which.from}
        where t.state = 'queued' and t.due_at <= ${now} and ${which.where}
        order by t.priority desc, t.created_at
        limit ${HELD_AT_ONCE}
        for update of t skip locked
      )
      returning id, version
    )
    ${insertEvents(sql`held`, {
      type: 'held',
      fromState: sql`'queued'`,
      toState: sql`'holding'`,
      reasonCode: sql`${code}::text`,
      reason: sql`${reason}::text`,
      actor: sql`'worker'`,
      at: sql`${now}::timestamptz`,
    })}`.execute(db);
}
