import { formatAmount } from '@kpay/core';
import type { Ledger } from '@kpay/ledger';
import { sql } from 'kysely';

/** Money that left the wallets of a currency in a period. */
export interface Outflow {
  /** In units of the currency. */
  amount: number;
  overMs: number;
}

/**
 * What succeeded transfers of the last `overMs` moved out of each currency of an account. Transfers within one currency
 * do not count: KPay shows one figure for each currency, and they do not change it. So one country's wallet can run dry
 * sooner than this shows.
 */
export async function recentOutflow(ledger: Ledger, account: string, overMs: number): Promise<ReadonlyMap<string, Outflow>> {
  // One subquery for each currency, so that the index leads straight to its latest transfers.
  const { rows } = await ledger.transaction(({ db, now }) =>
    sql<{ currency: string; minor: string }>`
      select w.currency, coalesce((
        select sum(t.amount_minor) from kpay.transfers t
        where t.account = w.account and t.currency = w.currency and t.state = 'succeeded'
          and t.finished_at > ${new Date(now.getTime() - overMs)} and t.destination_currency <> t.currency
      ), 0) as minor
      from kpay.wallets w where w.account = ${account}`.execute(db),
  );
  return new Map(
    rows.map(({ currency, minor }) => [
      currency,
      { amount: Number(formatAmount({ amountMinor: BigInt(minor), currency })), overMs },
    ]),
  );
}

/** The pairs of currencies, as `XAF:XOF`, for which an account's unfinished transfers need a rate. */
export async function ratePairsInUse(ledger: Ledger, account: string): Promise<readonly string[]> {
  const { rows } = await sql<{ pair: string }>`
    select distinct currency || ':' || destination_currency as pair
    from kpay.transfers
    where account = ${account} and currency <> destination_currency
      and state in ('awaiting_approval', 'queued', 'holding', 'submitting', 'unconfirmed')
    order by pair`.execute(ledger.db);
  return rows.map(({ pair }) => pair);
}
