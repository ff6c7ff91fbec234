import type { LedgerTransaction } from '@kpay/ledger';
import { sql } from 'kysely';
import { holdQueued } from './hold-queued.ts';
import { pauseHold, pauseOverAccount } from './pauses.ts';

/**
 * Holds what is queued while the whole account is paused, many rows in one statement. Held one by one, each would cost a
 * job and a dozen statements, and a paused account may have thousands of new orders.
 */
export async function holdPaused(tx: LedgerTransaction, account: string): Promise<void> {
  const found = await pauseOverAccount(tx.db, account, tx.now);
  if (!found) return;
  const { code, reason, until } = pauseHold(found, tx.now);
  const which = { from: sql`kpay.transfers t`, where: sql`t.account = ${account}` };
  await holdQueued(tx, which, { code, reason, until: sql`${until}::timestamptz` });
}
