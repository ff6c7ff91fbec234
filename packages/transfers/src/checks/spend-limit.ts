import { formatAmount } from '@kpay/core';
import type { LedgerSchema, TransferRow } from '@kpay/ledger';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { corridorOf } from '../states/corridor.ts';
import type { ReasonCode } from '../states/reasons.ts';
import type { Check, CheckVerdict } from './check.ts';

/** The reason code for a transfer that waits until it fits a limit. */
export const OVER_LIMIT = 'spend_limit' satisfies ReasonCode;
const HOUR_MS = 60 * 60_000;

/** The most an account may send of a currency, or in one corridor of it, in any period of `hours`. */
export interface SpendLimit {
  currency: string;
  amountMinor: bigint;
  hours: number;
  /** `CMR-GAB`; null for all corridors together. */
  corridor: string | null;
}

type Spending = Pick<TransferRow, 'account' | 'currency' | 'amount_minor' | 'source_country' | 'destination_country'>;

/** The limits that apply to a transfer. */
export function limitsOf(transfer: Omit<Spending, 'account' | 'amount_minor'>, limits: readonly SpendLimit[]): SpendLimit[] {
  const corridor = corridorOf(transfer);
  return limits.filter((limit) => limit.currency === transfer.currency && (limit.corridor ?? corridor) === corridor);
}

/** "1000 XAF in 24 hours from CMR-GAB". */
export function describeLimit({ currency, amountMinor, hours, corridor }: SpendLimit): string {
  return `${formatAmount({ amountMinor, currency })} ${currency} in ${hours} hours${corridor === null ? '' : ` on ${corridor}`}`;
}

/**
 * Evaluates a transfer by its account's spend limits. Transfers count that were sent or may have been: under way, without an
 * answer, in review, succeeded, or failed with a receipt that came late. Each counts from its last send on, the latest moment
 * at which its money can have moved. A transfer that is under way, or will be sent again, counts as sent now.
 *
 * It is a check, and runs again under the wallet's lock when the send is committed. That lock is of the account and currency,
 * and so of all that a limit counts: two workers cannot both use what is left.
 */
export async function evaluateSpending(
  db: Kysely<LedgerSchema>,
  transfer: Spending,
  limits: readonly SpendLimit[],
  now: Date,
): Promise<CheckVerdict> {
  const inputs: Record<string, unknown>[] = [];
  for (const limit of limitsOf(transfer, limits)) {
    const spent = await spentMinor(db, transfer.account, limit, now);
    inputs.push({ limit: describeLimit(limit), spent: formatAmount({ amountMinor: spent, currency: limit.currency }) });
    const left = limit.amountMinor - BigInt(transfer.amount_minor);
    if (spent <= left) continue;
    const until = left < 0n ? now : await untilSpent(db, transfer.account, limit, left, now);
    return {
      verdict: 'hold',
      code: OVER_LIMIT,
      reason: reasonOf(transfer, limit, spent),
      // The limit was lowered below this transfer's amount. Waiting does not help: a person must raise the limit.
      until: until > now ? until : new Date(now.getTime() + HOUR_MS),
      inputs: { spendLimits: inputs },
    };
  }
  return inputs.length > 0 ? { verdict: 'pass', inputs: { spendLimits: inputs } } : { verdict: 'pass' };
}

function reasonOf({ amount_minor, currency }: Spending, limit: SpendLimit, spent: bigint): string {
  const amount = formatAmount({ amountMinor: BigInt(amount_minor), currency });
  if (BigInt(amount_minor) > limit.amountMinor) return `${amount} ${currency} is more than the limit of ${describeLimit(limit)}`;
  const already = formatAmount({ amountMinor: spent, currency });
  return `waiting for the limit of ${describeLimit(limit)}: ${already} ${currency} is sent already, ${amount} is to be sent`;
}

/** How much of a limit is used. */
export async function spentMinor(db: Kysely<LedgerSchema>, account: string, limit: SpendLimit, now: Date): Promise<bigint> {
  const { rows } = await sql<{ spent: string }>`
    select coalesce(sum(amount_minor), 0)::text as spent from (${counted(account, limit, now)}) as counted`.execute(db);
  return BigInt(rows[0]?.spent ?? '0');
}

/** When enough has left the period that at most `leftMinor` is still in it. */
async function untilSpent(
  db: Kysely<LedgerSchema>,
  account: string,
  limit: SpendLimit,
  leftMinor: bigint,
  now: Date,
): Promise<Date> {
  // From the newest back: the first row that exceeds the limit must leave, and all older ones with it.
  const { rows } = await sql<{ at: Date }>`
    select max(at) as at from (
      select at, sum(amount_minor) over (order by at desc, id) as total from (${counted(account, limit, now)}) as counted
    ) as summed where total > ${String(leftMinor)}::bigint`.execute(db);
  const last = rows[0]?.at ?? now;
  return new Date(last.getTime() + limit.hours * HOUR_MS);
}

function counted(account: string, { currency, corridor, hours }: SpendLimit, now: Date): RawBuilder<unknown> {
  const since = new Date(now.getTime() - hours * HOUR_MS);
  const there = corridor === null ? sql`` : sql`and source_country || '-' || destination_country = ${corridor}`;
  return sql`
    select id, amount_minor, sent_at as at from kpay.transfers
    where account = ${account} and currency = ${currency} ${there} and sent_at > ${since} and state in ('review', 'succeeded')
    union all
    select id, amount_minor, sent_at as at from kpay.transfers
    where account = ${account} and currency = ${currency} ${there} and sent_at > ${since}
      and state = 'failed' and kpay_transfer_id is not null
    union all
    select id, amount_minor, ${now}::timestamptz as at from kpay.transfers
    where account = ${account} and currency = ${currency} ${there} and state in ('submitting', 'unconfirmed')`;
}

/** Holds transfers that would exceed a limit of their account. */
export function spendLimitCheck(limits: readonly SpendLimit[]): Check {
  return { name: 'spend-limit', check: (transfer, { ledger, now }) => evaluateSpending(ledger.db, transfer, limits, now) };
}
