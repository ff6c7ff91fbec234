import type { LedgerSchema, LedgerTransaction } from '@kpay/ledger';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { takeTurn } from '../accounts/account-turn.ts';
import { pauseInForce } from '../holds/pauses.ts';
import { wakeHeld } from '../holds/wake-held.ts';
import type { Answer } from '../states/answer.ts';

/**
 * After this many sends of an account in a row without a definite answer nothing is sent for the first time: an hour
 * of 503 must not make a thousand unknowns. One re-send at a time probes; a definite answer opens the way again.
 * An expired lease does not count: it tells of a process of ours that died, not of KPay (docs/decisions/0009).
 */
export const BREAKER_AFTER = 5;

/** How long the next probe may be away while nothing new is sent: KPay's recovery is noticed within this time. */
export const PROBE_WITHIN_MS = 60_000;

// The tending wakes what is held; this is only the net below it.
const REST_MS = 10 * 60_000;
// A send ends by its own timeout within this time, so whoever waits for the probe under way need not wait longer.
const PROBE_TAKES_MS = 20_000;
// A probe that waits for this is not sent in the same moment as the answer that made it worth while.
const SETTLE_MS = 5_000;

/**
 * Whether first sends of an account with this many unknown outcomes in a row must wait: while something is under way
 * or unconfirmed that probes. With nothing left to probe (all went to review in a day's outage) a first send has to.
 */
export async function isBreakerOpen(
  db: Kysely<LedgerSchema>,
  account: string,
  unknownStreak: number,
  now: Date,
): Promise<boolean> {
  if (unknownStreak < BREAKER_AFTER) return false;
  const prober = await db
    .selectFrom('kpay.transfers')
    .select('id')
    .where('account', '=', account)
    .where(mayProbe(now))
    .limit(1)
    .executeTakeFirst();
  return prober !== undefined;
}

/**
 * A re-send that a pause stops probes nothing, nor does one that was first sent to another KPay, which fails before it is
 * sent: counted as a prober it would keep the others waiting for hours.
 */
function mayProbe(now: Date): RawBuilder<boolean> {
  const transfer = {
    account: sql`transfers.account`,
    source_country: sql`transfers.source_country`,
    destination_country: sql`transfers.destination_country`,
  };
  const elsewhere = sql`exists (
    select from kpay.accounts a where a.name = transfers.account
      and (a.base_url, a.environment, a.application_id) is distinct from
        (transfers.pinned_base_url, transfers.pinned_environment, transfers.pinned_application_id))`;
  const paused = pauseInForce(transfer, sql`${now}::timestamptz`);
  return sql<boolean>`(state = 'submitting' or (state = 'unconfirmed' and ${paused} is null and not ${elsewhere}))`;
}

/** Those of the accounts whose breaker is open. */
export async function openBreakers(
  db: Kysely<LedgerSchema>,
  accounts: readonly string[],
  now: Date,
): Promise<ReadonlySet<string>> {
  const failing = await db
    .selectFrom('kpay.accounts')
    .select(['name', 'unknown_streak'])
    .where('unknown_streak', '>=', BREAKER_AFTER)
    .execute();
  const open = new Set<string>();
  for (const { name, unknown_streak: streak } of failing) {
    if (accounts.includes(name) && (await isBreakerOpen(db, name, streak, now))) open.add(name);
  }
  return open;
}

/** The account's unknown outcomes in a row. */
export async function unknownStreakOf(db: Kysely<LedgerSchema>, account: string): Promise<number> {
  const row = await db.selectFrom('kpay.accounts').select('unknown_streak').where('name', '=', account).executeTakeFirst();
  return row?.unknown_streak ?? 0;
}

/** The hold that an open breaker means. It ends with the next definite answer of KPay, or is looked at again. */
export function breakerHold(now: Date): { verdict: 'hold'; code: 'breaker'; reason: string; until: Date } {
  const reason = `KPay gave no definite answer ${BREAKER_AFTER} times in a row: nothing new is sent until it does`;
  return { verdict: 'hold', code: 'breaker', reason, until: new Date(now.getTime() + REST_MS) };
}

/** How long a re-send waits that found another one probing. */
export function probedHold(now: Date): { verdict: 'hold'; code: 'breaker'; reason: string; until: Date } {
  return { ...breakerHold(now), until: new Date(now.getTime() + PROBE_TAKES_MS) };
}

/**
 * Counts an answer. To be called first in the transaction that settles an attempt: the account's row is locked before
 * any transfer's, always (law 10).
 */
export async function countAnswer(tx: LedgerTransaction, account: string, answer: Answer): Promise<void> {
  if (answer.kind === 'not_sent') return;
  const accounts = tx.db.updateTable('kpay.accounts').where('name', '=', account);
  if (answer.kind === 'unknown') {
    await takeTurn(tx, account, 'update');
    await accounts.set((it) => ({ unknown_streak: it('unknown_streak', '+', 1) })).execute();
    return;
  }
  const { numUpdatedRows } = await accounts.set({ unknown_streak: 0 }).where('unknown_streak', '>', 0).executeTakeFirst();
  if (numUpdatedRows === 0n) return;
  // What is unconfirmed was put off because KPay failed. Now it answers, and whoever waits for the truth can have it.
  const soon = new Date(tx.now.getTime() + SETTLE_MS);
  await tx.db
    .updateTable('kpay.transfers')
    .set({ due_at: soon })
    .where('account', '=', account)
    .where('state', '=', 'unconfirmed')
    .where('lease_until', 'is', null)
    .where('first_conflict_at', 'is', null)
    .where('due_at', '>', soon)
    .execute();
}

/**
 * What an account's breaker needs done every second or so. Open: the next probe is never further away than
 * PROBE_WITHIN_MS, however long the backoff of each unconfirmed transfer has grown. Closed: what it held becomes due,
 * the most urgent first, then the oldest.
 */
export async function tendBreaker(tx: LedgerTransaction, account: string): Promise<void> {
  const streak = await unknownStreakOf(tx.db, account);
  if (await isBreakerOpen(tx.db, account, streak, tx.now)) return bringProbeForward(tx, account);
  // Also with nothing left that may probe: one of those that it held does then.
  await wakeHeld(tx, account, 'breaker');
}

async function bringProbeForward(tx: LedgerTransaction, account: string): Promise<void> {
  const next = await tx.db
    .selectFrom('kpay.transfers')
    .select(['id', 'version', 'due_at'])
    .where('account', '=', account)
    .where(mayProbe(tx.now))
    .orderBy('due_at')
    .limit(1)
    .executeTakeFirst();
  const latest = new Date(tx.now.getTime() + PROBE_WITHIN_MS);
  if (!next?.due_at || next.due_at <= latest) return;
  await tx.db
    .updateTable('kpay.transfers')
    .set({ due_at: latest })
    .where('id', '=', next.id)
    .where('version', '=', next.version)
    .where('lease_until', 'is', null)
    .execute();
}

/** Whether another re-send of the account is under way: while the breaker is open, one at a time is enough to probe. */
export async function isProbed(tx: LedgerTransaction, account: string): Promise<boolean> {
  const probe = await tx.db
    .selectFrom('kpay.transfers')
    .select('id')
    .where('account', '=', account)
    .where('state', '=', 'unconfirmed')
    .where('lease_until', '>', tx.now)
    .limit(1)
    .executeTakeFirst();
  return probe !== undefined;
}
