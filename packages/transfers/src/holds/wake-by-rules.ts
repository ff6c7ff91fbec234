import { type KpayAccount, KpayError } from '@kpay/core';
import type { Ledger, LedgerTransaction } from '@kpay/ledger';
import { sql } from 'kysely';
import type { AccountRules } from '../checks/account-rules.ts';
import { closedCountries, NO_PAYOUTS } from '../checks/destination-payouts.ts';
import { nextOpening } from '../checks/send-window.ts';
import { OVER_LIMIT, spentMinor } from '../checks/spend-limit.ts';
import { OUTSIDE_WINDOW } from '../checks/time-window.ts';
import { isAnyHeld, wakeHeld } from './wake-held.ts';

/**
 * Wakes transfers that wait for their account's sending hours or spend limits and need not wait any more. The window
 * opened, a counted transfer turned out not to have moved money, or the rules changed. It evaluates the present state,
 * so an extra call changes nothing, and each woken transfer is checked again. It does not ask KPay.
 *
 * @returns how many it woke.
 */
export async function wakeByRules(ledger: Ledger, account: string, rules: AccountRules): Promise<number> {
  return ledger.transaction(async (tx) => {
    const { sendWindow } = rules;
    const isOpen = sendWindow === null || nextOpening(sendWindow, tx.now) === undefined;
    const inHours = isOpen ? await wakeHeld(tx, account, OUTSIDE_WINDOW) : 0;
    return inHours + (await wakeWithinLimits(tx, account, rules));
  });
}

/**
 * Wakes transfers that wait for payouts in a country where an operator pays out again. KPay is asked only while a
 * transfer waits, at most once a minute for all transfers and processes.
 */
export async function wakePayable(
  ledger: Ledger,
  account: KpayAccount,
  rules: AccountRules,
  signal?: AbortSignal,
): Promise<number> {
  if (!(await ledger.transaction((tx) => isAnyHeld(tx, account.name, NO_PAYOUTS)))) return 0;
  const closed = rules.checkDestinationPayouts ? await closedNow(account, signal) : [];
  if (closed === undefined) return 0;
  return ledger.transaction((tx) =>
    wakeHeld(tx, account.name, NO_PAYOUTS, sql`t.destination_country <> all (${closed}::text[])`),
  );
}

async function closedNow(account: KpayAccount, signal: AbortSignal | undefined): Promise<string[] | undefined> {
  try {
    return closedCountries((await account.observations.availability({ lane: 'checks', signal })).value);
  } catch (error) {
    // When KPay does not answer, nothing opens. The processes that send report the outage.
    if (error instanceof KpayError) return undefined;
    throw error;
  }
}

/** Wakes those that fit, by priority, then age. One that is too large does not block those behind it. */
async function wakeWithinLimits(tx: LedgerTransaction, account: string, { spendLimits }: AccountRules): Promise<number> {
  if (!(await isAnyHeld(tx, account, OVER_LIMIT))) return 0;
  const rooms: { currency: string; corridor: string | null; room: string }[] = [];
  for (const limit of spendLimits) {
    const room = limit.amountMinor - (await spentMinor(tx.db, account, limit, tx.now));
    rooms.push({ currency: limit.currency, corridor: limit.corridor, room: String(room) });
  }
  const isTooBig = sql`
    select from jsonb_to_recordset(${JSON.stringify(rooms)}::jsonb) as l (currency text, corridor text, room bigint)
    where l.currency = t.currency and t.amount_minor > l.room
      and (l.corridor is null or l.corridor = t.source_country || '-' || t.destination_country)`;
  return wakeHeld(tx, account, OVER_LIMIT, sql`not exists (${isTooBig})`);
}
