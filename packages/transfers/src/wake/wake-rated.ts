import type { KpayAccount } from '@kpay/core';
import { sql } from 'kysely';
import type { Ledger } from '../ledger/ledger.ts';
import { wakeHeld } from './wake-held.ts';

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
    const reached = sql`currency = ${currency} and destination_currency = ${to} and min_rate <= ${value.rate}::numeric`;
    woken += await ledger.transaction((tx) => wakeHeld(tx, account.name, 'rate_below_minimum', reached));
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
