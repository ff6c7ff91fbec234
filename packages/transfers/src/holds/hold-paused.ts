import type { LedgerTransaction } from '@kpay/ledger';
import { sql } from 'kysely';
import { pauseHold, pauseOverAccount } from './pauses.ts';

/** No more than have a place among the hints, so that one write stays short. */
const HELD_AT_ONCE = 1_000;

/**
 * Holds what is queued while the whole account is paused, many rows in one write: one by one each of them would be a
 * hint, a job and a dozen statements, which a paused account with thousands of new orders has better use for. It is the
 * same move that each of them would make by itself, with the same event.
 */
export async function holdPaused(tx: LedgerTransaction, account: string): Promise<void> {
  const { db, now } = tx;
  const found = await pauseOverAccount(db, account, now);
  if (!found) return;
  const { code, reason, until } = pauseHold(found, now);
  await sql`
    with held as (
      update kpay.transfers set state = 'holding', version = version + 1, reason_code = ${code}, reason = ${reason},
        hold_until = ${until}::timestamptz, due_at = least(${until}::timestamptz, expires_at), updated_at = ${now}
      where id in (
        select id from kpay.transfers
        where account = ${account} and state = 'queued' and due_at <= ${now}
        order by priority desc, created_at
        limit ${HELD_AT_ONCE}
        for update skip locked
      )
      returning id, version
    )
    insert into kpay.transfer_events (transfer_id, version, type, from_state, to_state, reason_code, reason, actor, at)
    select id, version, 'held', 'queued', 'holding', ${code}, ${reason}, 'worker', ${now}::timestamptz from held`.execute(db);
}
