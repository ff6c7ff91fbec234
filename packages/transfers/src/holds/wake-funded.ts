import type { KpayAccount } from '@kpay/core';
import type { Ledger, LedgerTransaction } from '@kpay/ledger';
import { type RawBuilder, sql } from 'kysely';
import { type BalanceSnapshot, reservedMinor, snapshotOf } from '../checks/funds.ts';
import { columnsOf, isAnyRefused, isRefused, noteShown } from './refusals.ts';
import { MAX_DUE, wakeCapacity } from './wake-capacity.ts';

/**
 * Wakes transfers that wait for funds: as many as the available money covers, by priority, then age. It evaluates the
 * present state, not what changed. So new money, a reservation that ended and a restarted worker are all the same case,
 * and an extra call changes nothing. Each woken transfer goes through the funds check again, with the same balance and
 * reservations and without a request of its own.
 *
 * Transfers whose wallet KPay refuses go on waiting. KPay's figure does not show which country's wallet grew, and
 * trying each would be a send. One of them probes (refusals.ts), at once when KPay shows more than before.
 *
 * @param maxAgeMs the maximum age of the balance. Nothing is read while no transfer is held.
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

/**
 * SQL: whether a transfer `t` must go on waiting because KPay refuses its wallet. First it updates the refusals with
 * the balance that KPay shows.
 */
async function refused(tx: LedgerTransaction, account: string, snapshot: BalanceSnapshot): Promise<RawBuilder<boolean>> {
  if (!(await isAnyRefused(tx.db, account))) return sql<boolean>`false`;
  await noteShown(tx, account, shownOf(snapshot));
  return isRefused(columnsOf('t'), sql`${tx.now}::timestamptz`);
}

/** The amount that KPay shows for each currency. */
function shownOf({ wallets }: BalanceSnapshot): Map<string, bigint> {
  const shown = new Map<string, bigint>();
  for (const { currency, availableBalance } of wallets) {
    shown.set(currency, (shown.get(currency) ?? 0n) + availableBalance.amountMinor);
  }
  return shown;
}

interface HeldCurrency {
  currency: string;
  shownMinor: bigint;
  /** The smallest amount that waits. */
  leastMinor: bigint;
}

/** The currencies in which the whole balance, reserved money included, is enough for at least one held transfer. */
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
  // A transfer that is too large is passed over, so that it does not block smaller ones behind it.
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

/** The amounts of transfers that were woken before and not checked yet. */
async function wokenMinor({ db, now }: LedgerTransaction, account: string, currency: string): Promise<bigint> {
  const { rows } = await sql<{ woken: string }>`
    select coalesce(sum(amount_minor), 0)::text as woken from (
      -- Reads all due rows by their index. There are few, because there was capacity to wake more.
      select amount_minor, currency, state, reason_code from kpay.transfers
      where account = ${account} and state <> 'queued' and due_at <= ${now} limit ${MAX_DUE}
    ) as due
    where currency = ${currency} and state = 'holding' and reason_code = 'insufficient_funds'`.execute(db);
  return BigInt(rows[0]?.woken ?? '0');
}
