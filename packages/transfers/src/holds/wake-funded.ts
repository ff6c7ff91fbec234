import type { KpayAccount } from '@kpay/core';
import type { Ledger, LedgerTransaction } from '@kpay/ledger';
import { type RawBuilder, sql } from 'kysely';
import { type BalanceSnapshot, reservedMinor, snapshotOf } from '../checks/funds.ts';
import { columnsOf, isAnyRefused, isRefused, noteShown } from './refusals.ts';
import { MAX_DUE, wakeCapacity } from './wake-capacity.ts';

/**
 * Makes due as many of the transfers held for funds, by priority, then age, as the money that is there covers. It asks
 * for what is true now, not for what has changed: so money that came in, a reservation of ours that went away and a
 * start of the worker are one case, and a look too many changes nothing. Every transfer it wakes is judged again by the
 * funds check, from the same balance and the same reservations, without a request of its own.
 *
 * Those whose wallet KPay refuses sleep on: its figure does not tell which country's wallet grew, and each of them would be
 * a send. One of them asks (refusals.ts), at once when KPay shows more than before.
 *
 * @param maxAgeMs how old the balance may be; while nothing is held it is not read at all.
 * @returns how many it woke.
 */
export async function wakeFunded(ledger: Ledger, account: KpayAccount, maxAgeMs: number, signal?: AbortSignal): Promise<number> {
  if (!(await isAnyHeld(ledger, account.name))) return 0;
  const observed = await account.observations.balance({ lane: 'metrics', maxAgeMs, signal });
  return ledger.transaction(async (tx) => {
    const snapshot = snapshotOf(observed, account.clock.now(), tx.now);
    const asleep = await refused(tx, account.name, snapshot);
    let room = await wakeCapacity(tx, account.name);
    let woken = 0;
    for (const currency of await leastHeld(tx, account.name, snapshot, asleep)) {
      const count = room > 0 ? await wakeCovered(tx, account.name, currency, { snapshot, asleep, most: room }) : 0;
      room -= count;
      woken += count;
    }
    return woken;
  });
}

async function isAnyHeld({ db }: Ledger, account: string): Promise<boolean> {
  const { rows } = await sql`
    select from kpay.transfers
    where account = ${account} and state = 'holding' and reason_code = 'insufficient_funds'
    limit 1`.execute(db);
  return rows.length > 0;
}

/** Whether a transfer `t` must sleep on because KPay refuses its wallet, after telling the refusals what KPay shows. */
async function refused(tx: LedgerTransaction, account: string, snapshot: BalanceSnapshot): Promise<RawBuilder<boolean>> {
  if (!(await isAnyRefused(tx.db, account))) return sql<boolean>`false`;
  await noteShown(tx, account, shownOf(snapshot));
  return isRefused(columnsOf('t'), sql`${tx.now}::timestamptz`);
}

/** What KPay shows of each currency. */
function shownOf({ wallets }: BalanceSnapshot): Map<string, bigint> {
  const shown = new Map<string, bigint>();
  for (const { currency, availableMinor } of wallets) shown.set(currency, (shown.get(currency) ?? 0n) + availableMinor);
  return shown;
}

interface HeldCurrency {
  currency: string;
  shownMinor: bigint;
  /** The smallest amount that waits. */
  leastMinor: bigint;
}

/** The currencies in which the balance, whatever of it is reserved, would do for somebody. */
async function leastHeld(
  { db, now }: LedgerTransaction,
  account: string,
  snapshot: BalanceSnapshot,
  asleep: RawBuilder<boolean>,
): Promise<HeldCurrency[]> {
  const shown = shownOf(snapshot);
  const { rows } = await sql<{ currency: string; least: string | null }>`
    select currency, (
      select min(amount_minor) from kpay.transfers t
      where t.account = ${account} and t.currency = wallet.currency
        and state = 'holding' and reason_code = 'insufficient_funds' and due_at > ${now} and not ${asleep}
    )::text as least
    from unnest(${[...shown.keys()]}::text[]) as wallet(currency)`.execute(db);
  return rows.flatMap(({ currency, least }) => {
    const shownMinor = shown.get(currency) ?? 0n;
    return least === null || BigInt(least) > shownMinor ? [] : [{ currency, shownMinor, leastMinor: BigInt(least) }];
  });
}

async function wakeCovered(
  tx: LedgerTransaction,
  account: string,
  { currency, shownMinor, leastMinor }: HeldCurrency,
  { snapshot, asleep, most }: { snapshot: BalanceSnapshot; asleep: RawBuilder<boolean>; most: number },
): Promise<number> {
  const taken = (await reservedMinor(tx.db, account, currency, snapshot.askedAt)) + (await wokenMinor(tx, account, currency));
  const left = shownMinor - taken;
  if (leastMinor > left) return 0;
  // One too big for what is left is passed over: it must not keep those behind it that are not.
  const { rows } = await sql`
    with next as (
      select id, amount_minor, priority, created_at from kpay.transfers t
      where account = ${account} and currency = ${currency}
        and state = 'holding' and reason_code = 'insufficient_funds'
        and due_at > ${tx.now} and amount_minor <= ${String(left)}::bigint and not ${asleep}
      order by priority desc, created_at
      limit ${most}
      for update skip locked
    ), summed as (
      select id, sum(amount_minor) over (order by priority desc, created_at, id) as total from next
    )
    update kpay.transfers set due_at = ${tx.now}
    where id in (select id from summed where total <= ${String(left)}::bigint)
    returning id`.execute(tx.db);
  return rows.length;
}

/** What those take who were woken before and not judged yet. */
async function wokenMinor({ db, now }: LedgerTransaction, account: string, currency: string): Promise<bigint> {
  const { rows } = await sql<{ woken: string }>`
    select coalesce(sum(amount_minor), 0)::text as woken from (
      -- All that is due, by its index: there is room, so it is little.
      select amount_minor, currency, state, reason_code from kpay.transfers
      where account = ${account} and state <> 'queued' and due_at <= ${now} limit ${MAX_DUE}
    ) as due
    where currency = ${currency} and state = 'holding' and reason_code = 'insufficient_funds'`.execute(db);
  return BigInt(rows[0]?.woken ?? '0');
}
