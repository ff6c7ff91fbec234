import type { SentBefore } from '@kpay/core';
import type { Ledger } from '@kpay/ledger';

/** The name of a send in the budget, the same in every process. */
export function attemptName(transferId: string, number: number): string {
  return `${transferId}.${number}`;
}

/**
 * Each send of the last `windowMs`, and how long ago it ended. A budget that was wiped must count them; otherwise a
 * restart could send twice the limit within one minute.
 */
export async function recentSends(ledger: Ledger, account: string, windowMs: number): Promise<SentBefore[]> {
  return ledger.transaction(async (tx) => {
    const since = new Date(tx.now.getTime() - windowMs);
    const sends = await tx.db
      .selectFrom('kpay.attempts')
      .select(['transfer_id', 'number', 'started_at', 'ended_at'])
      .where('account', '=', account)
      // An attempt lasts less than a minute. So one that ended within the window began at most a minute before the
      // window.
      .where('started_at', '>', new Date(since.getTime() - 60_000))
      .execute();
    const ended = sends.map(({ transfer_id, number, started_at, ended_at }) => ({
      attempt: attemptName(transfer_id, number),
      ageMs: tx.now.getTime() - (ended_at ?? started_at).getTime(),
    }));
    return ended.filter(({ ageMs }) => ageMs < windowMs);
  });
}
