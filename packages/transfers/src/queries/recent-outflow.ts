import { formatAmount } from '@kpay/core';
import type { Ledger } from '@kpay/ledger';
import { sql } from 'kysely';

/** Money that left the wallets of a currency in a stretch of time. */
export interface Outflow {
  /** In units of the currency. */
  amount: number;
  overMs: number;
}

/**
 * What transfers that succeeded lately took out of each currency of an account. Transfers within a currency are not in
 * it: KPay shows one figure a currency, and they leave it as it is. A country's own wallet can run dry sooner than this
 * tells.
 */
export async function recentOutflow(ledger: Ledger, account: string, overMs: number): Promise<ReadonlyMap<string, Outflow>> {
  // One look for each currency, so that the index on them leads straight to the latest transfers.
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

/** The pairs of currencies that transfers of an account which are not at their end need a rate for, as `XAF:XOF`. */
export async function ratePairsInUse(ledger: Ledger, account: string): Promise<readonly string[]> {
  const { rows } = await sql<{ pair: string }>`
    select distinct currency || ':' || destination_currency as pair
    from kpay.transfers
    where account = ${account} and currency <> destination_currency
      and state in ('awaiting_approval', 'queued', 'holding', 'submitting', 'unconfirmed')
    order by pair`.execute(ledger.db);
  return rows.map(({ pair }) => pair);
}
