import { sql } from 'kysely';
import type { LedgerTransaction } from '../ledger/ledger.ts';
import { roomToWake } from './room-to-wake.ts';

/**
 * Makes those transfers due, by priority, then age, that are held for a pause although none is in force for them any
 * more: it was lifted, or is over. Called with every sweep, so that lifting a pause over 100,000 of them is no long write.
 */
export async function wakeUnpaused(tx: LedgerTransaction, account: string): Promise<void> {
  if (!(await isAnyHeld(tx, account))) return;
  const pauses = await pausesOver(tx, account);
  if (pauses.some(({ corridor }) => corridor === null)) return;
  const room = await roomToWake(tx, account);
  if (room === 0) return;
  const stillPaused = pauses.map(({ corridor }) => corridor);
  await sql`
    update kpay.transfers set due_at = ${tx.now}
    where id in (
      select id from kpay.transfers
      where account = ${account} and state = 'holding' and reason_code = 'paused' and due_at > ${tx.now}
        and source_country || '-' || destination_country <> all (${stillPaused}::text[])
      order by priority desc, created_at
      limit ${room}
      for update skip locked
    )`.execute(tx.db);
}

async function isAnyHeld({ db }: LedgerTransaction, account: string): Promise<boolean> {
  const held = await db
    .selectFrom('kpay.transfers')
    .select('id')
    .where('account', '=', account)
    .where('state', '=', 'holding')
    .where('reason_code', '=', 'paused')
    .limit(1)
    .executeTakeFirst();
  return held !== undefined;
}

async function pausesOver({ db, now }: LedgerTransaction, account: string): Promise<{ corridor: string | null }[]> {
  return db
    .selectFrom('kpay.pauses')
    .select('corridor')
    .where('lifted_at', 'is', null)
    .where((it) => it.or([it('until', 'is', null), it('until', '>', now)]))
    .where((it) => it.or([it('account', 'is', null), it('account', '=', account)]))
    .execute();
}
