import type { LedgerTransaction } from '@kpay/ledger';
import { sql } from 'kysely';
import { isAnyHeld, wakeHeld } from './wake-held.ts';

/**
 * Wakes transfers that are held for a pause although none applies to them any more, by priority, then age. It runs with
 * every sweep in small steps, so that lifting a pause over 100,000 transfers is not one long write.
 */
export async function wakeUnpaused(tx: LedgerTransaction, account: string): Promise<void> {
  if (!(await isAnyHeld(tx, account, 'paused'))) return;
  const pauses = await pausesOver(tx, account);
  if (pauses.some(({ corridor }) => corridor === null)) return;
  const stillPaused = pauses.map(({ corridor }) => corridor);
  await wakeHeld(tx, account, 'paused', sql`source_country || '-' || destination_country <> all (${stillPaused}::text[])`);
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
