import type { LedgerTransaction } from '@kpay/ledger';

/** About how many held rows may be due at once: more than a minute's sends, few enough to read every second. */
export const MAX_DUE = 1_000;
const ENOUGH_DUE = 500;

/**
 * How many held transfers of an account may be made due now; 0 when enough of them are due. Waking 100,000 at once
 * would be one long write, and every sweep would then sort 100,000 rows.
 */
export async function wakeCapacity({ db, now }: LedgerTransaction, account: string): Promise<number> {
  const due = await db
    .selectFrom('kpay.transfers')
    .select('id')
    .where('account', '=', account)
    // The condition matches the index of due rows. With 'holding', a planner without statistics would read all held
    // rows.
    .where('state', '<>', 'queued')
    .where('due_at', '<=', now)
    .limit(ENOUGH_DUE)
    .execute();
  return due.length < ENOUGH_DUE ? MAX_DUE - due.length : 0;
}
