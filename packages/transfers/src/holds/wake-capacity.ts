import type { LedgerTransaction } from '@kpay/ledger';

/** At most about so many held rows are due at once: more than a minute's sends, few enough to be read every second. */
export const MAX_DUE = 1_000;
const ENOUGH_DUE = 500;

/**
 * How many held transfers of an account may be made due now; 0 while enough of them are. Waking 100,000 at once would
 * be one long write, and then a sort of 100,000 rows with every sweep.
 */
export async function wakeCapacity({ db, now }: LedgerTransaction, account: string): Promise<number> {
  const due = await db
    .selectFrom('kpay.transfers')
    .select('id')
    .where('account', '=', account)
    // As the index of what is due says it; for 'holding' a planner without statistics would read all that is held.
    .where('state', '<>', 'queued')
    .where('due_at', '<=', now)
    .limit(ENOUGH_DUE)
    .execute();
  return due.length < ENOUGH_DUE ? MAX_DUE - due.length : 0;
}
