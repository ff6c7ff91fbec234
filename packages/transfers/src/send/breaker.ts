import type { LedgerSchema, LedgerTransaction } from '@kpay/ledger';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { takeTurn } from '../accounts/account-turn.ts';
import { pauseInForce } from '../holds/pauses.ts';
import { wakeHeld } from '../holds/wake-held.ts';
import type { Answer } from '../states/answer.ts';

/**
 * After this many sends of an account in a row without a definite answer, no first send starts: an hour of 503 must not
 * leave a thousand unknown outcomes. One re-send at a time probes; a definite answer closes the breaker. An expired
 * lease does not count, because it shows that our process died, not that KPay failed (docs/decisions/0009).
 */
export const BREAKER_AFTER = 5;

/** The longest time to the next probe while the breaker is open. KPay's recovery is noticed within this time. */
export const PROBE_WITHIN_MS = 60_000;

// tendBreaker wakes what is held; this time is only a safety net.
const REST_MS = 10 * 60_000;
// A send ends by its own timeout within this time, so a transfer that waits for the probe need not wait longer.
const PROBE_TAKES_MS = 20_000;
// Re-sends that wait for this answer start a little later than the answer that allows them.
const SETTLE_MS = 5_000;

/**
 * Whether first sends of an account with this many unknown outcomes in a row must wait. They wait while an attempt is
 * under way or a transfer is unconfirmed that can probe. When nothing can probe (after a day's outage all are in
 * review), a first send probes.
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
 * SQL: whether a row can probe. A re-send that is paused cannot, nor one that was first sent to another KPay, which
 * fails before it is sent. Counted as probes, they would keep the others waiting for hours.
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

/** The account's number of unknown outcomes in a row. */
export async function unknownStreakOf(db: Kysely<LedgerSchema>, account: string): Promise<number> {
  const row = await db.selectFrom('kpay.accounts').select('unknown_streak').where('name', '=', account).executeTakeFirst();
  return row?.unknown_streak ?? 0;
}

/** The hold of an open breaker. It ends with KPay's next definite answer, or is checked again. */
export function breakerHold(now: Date): { verdict: 'hold'; code: 'breaker'; reason: string; until: Date } {
  const reason = `KPay gave no definite answer ${BREAKER_AFTER} times in a row: nothing new is sent until it does`;
  return { verdict: 'hold', code: 'breaker', reason, until: new Date(now.getTime() + REST_MS) };
}

/** The hold of a re-send while another one probes. */
export function probedHold(now: Date): { verdict: 'hold'; code: 'breaker'; reason: string; until: Date } {
  return { ...breakerHold(now), until: new Date(now.getTime() + PROBE_TAKES_MS) };
}

/**
 * Counts an answer for the breaker. Call it first in the transaction that settles an attempt, because the account's row
 * is always locked before a transfer's (law 10).
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
  // Unconfirmed transfers were put off because KPay failed. Now it answers, so they can be settled soon.
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
 * Maintains an account's breaker; call it every second or so. While open, the next probe is at most PROBE_WITHIN_MS
 * away, however long the backoff of each unconfirmed transfer has grown. Once closed, the transfers that it held become
 * due, the most urgent first, then the oldest.
 */
export async function tendBreaker(tx: LedgerTransaction, account: string): Promise<void> {
  const streak = await unknownStreakOf(tx.db, account);
  if (await isBreakerOpen(tx.db, account, streak, tx.now)) return bringProbeForward(tx, account);
  // Also when nothing can probe any more: then one of the held transfers does.
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

/** Whether another re-send of the account is under way. While the breaker is open, one at a time is enough. */
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
