import { isStillGood, type KpayAccount, KpayError } from '@kpay/core';
import type { Ledger } from '@kpay/ledger';
import { sql } from 'kysely';
import { wakeHeld } from './wake-held.ts';

// A pair that KPay did not give is not requested again at every poll.
const READ_AGAIN_MS = 30_000;

/**
 * Wakes transfers whose rate has been reached, by priority, then age. Each pair that a transfer waits for is read once
 * in `maxAgeMs`, for all of them. A pair that cannot be read affects only the transfers that wait for it.
 *
 * @returns how many it woke.
 */
export async function wakeRated(ledger: Ledger, account: KpayAccount, maxAgeMs: number, signal?: AbortSignal): Promise<number> {
  let woken = 0;
  for (const { currency, to } of await heldPairs(ledger, account.name)) {
    signal?.throwIfAborted();
    const rate = await readRate(account, { currency, to }, maxAgeMs, signal);
    if (rate === undefined) continue;
    const reached = sql`currency = ${currency} and destination_currency = ${to} and min_rate <= ${rate}::numeric`;
    woken += await ledger.transaction((tx) => wakeHeld(tx, account.name, 'rate_below_minimum', reached));
  }
  return woken;
}

interface Pair {
  currency: string;
  to: string;
}

/** The rate; undefined when KPay does not give it, or did not give it recently. */
async function readRate(
  { observations, clock }: KpayAccount,
  { currency, to }: Pair,
  maxAgeMs: number,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const failed = observations.lastFailure('rate', `${currency}:${to}`);
  const failedForMs = Math.min(READ_AGAIN_MS, maxAgeMs);
  if (failed && isStillGood({ sinceMs: failed.at.getTime(), forMs: failedForMs }, clock.now())) return undefined;
  try {
    return (await observations.rate(currency, to, { lane: 'metrics', maxAgeMs, signal })).value.rate;
  } catch (error) {
    // The processes that send report that KPay does not answer.
    if (error instanceof KpayError) return undefined;
    throw error;
  }
}

/** Skips from one pair to the next in the index. So it takes as many steps as there are pairs, not rows. */
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
