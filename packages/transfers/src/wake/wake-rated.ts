import type { KpayAccount } from '@kpay/core';
import { sql } from 'kysely';
import type { Ledger, LedgerTransaction } from '../ledger/ledger.ts';
import { roomToWake } from './room-to-wake.ts';

/**
 * Makes those transfers due, by priority, then age, that wait for a rate which is there. Each pair that somebody waits
 * for is read once in `maxAgeMs`, for all of them together.
 *
 * @returns how many it woke.
 */
export async function wakeRated(ledger: Ledger, account: KpayAccount, maxAgeMs: number, signal?: AbortSignal): Promise<number> {
  let woken = 0;
  for (const { currency, to } of await heldPairs(ledger, account.name)) {
    const { value } = await account.observations.rate(currency, to, { lane: 'metrics', maxAgeMs, signal });
    woken += await ledger.transaction((tx) => wakeUpTo(tx, account.name, { currency, to, rate: value.rate }));
  }
  return woken;
}

interface Pair {
  currency: string;
  to: string;
}

/** From one pair to the next in the index, so that it costs as many steps as there are pairs, not rows. */
async function heldPairs({ db }: Ledger, account: string): Promise<Pair[]> {
  const held = sql`kpay.transfers where account = ${account} and state = 'holding' and reason_code = 'rate_below_minimum'`;
  const { rows } = await sql<Pair>`
    with recursive pairs as (
      (select currency, destination_currency from ${held} order by currency, destination_currency limit 1)
      union all
      select following.* from pairs, lateral (
        select currency, destination_currency from ${held}
          and (currency, destination_currency) > (pairs.currency, pairs.destination_currency)
        order by currency, destination_currency limit 1
      ) as following
    )
    select currency, destination_currency as "to" from pairs`.execute(db);
  return rows;
}

async function wakeUpTo(
  tx: LedgerTransaction,
  account: string,
  { currency, to, rate }: Pair & { rate: string },
): Promise<number> {
  const room = await roomToWake(tx, account);
  if (room === 0) return 0;
  const { rows } = await sql`
    update kpay.transfers set due_at = ${tx.now}
    where id in (
      select id from kpay.transfers
      where account = ${account} and currency = ${currency} and destination_currency = ${to}
        and state = 'holding' and reason_code = 'rate_below_minimum'
        and min_rate <= ${rate}::numeric and due_at > ${tx.now}
      order by priority desc, created_at
      limit ${room}
      for update skip locked
    )
    returning id`.execute(tx.db);
  return rows.length;
}
