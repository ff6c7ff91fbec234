import type { Ledger } from './ledger/ledger.ts';

/**
 * How long ago each send of the last `windowMs` ended, in milliseconds: what a budget that forgot everything must
 * count, so that a restart does not send a second budget's worth into the same minute.
 */
export async function recentSendAges(ledger: Ledger, account: string, windowMs: number): Promise<number[]> {
  return ledger.transaction(async (tx) => {
    const since = new Date(tx.now.getTime() - windowMs);
    const sends = await tx.db
      .selectFrom('kpay.attempts')
      .select(['started_at', 'ended_at'])
      .where('account', '=', account)
      // An attempt lasts less than a minute, so one that ended within the window began within a minute before it.
      .where('started_at', '>', new Date(since.getTime() - 60_000))
      .execute();
    const ages = sends.map(({ started_at, ended_at }) => tx.now.getTime() - (ended_at ?? started_at).getTime());
    return ages.filter((ageMs) => ageMs < windowMs);
  });
}
