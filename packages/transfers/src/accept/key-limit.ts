import { formatAmount } from '@kpay/core';
import type { LedgerTransaction } from '@kpay/ledger';
import { sql } from 'kysely';
import { describeLimit, type SpendLimit } from '../checks/spend-limit.ts';
import { SpendLimitExceeded } from '../errors.ts';
import type { TransferRequest } from './request.ts';

const HOUR_MS = 60 * 60_000;

/** The most that may be made with a key, of a currency, in any stretch of so many hours. */
export type KeyLimit = Omit<SpendLimit, 'corridor'>;

/** A key of the admin API. */
export interface LimitedKey {
  id: string;
  /** None unless it has limits of its own. */
  limits: readonly KeyLimit[];
}

/**
 * Judges a new transfer by the limits of the key that makes it, in the transaction that records it. What counts is what
 * the key made within the stretch, but for what ended without moving money.
 *
 * The key's row is locked: of two transfers made at once the later is judged with the earlier one recorded.
 *
 * @throws SpendLimitExceeded
 */
export async function judgeKeyLimits(
  { db, now }: LedgerTransaction,
  { amount }: Pick<TransferRequest, 'amount'>,
  { id, limits }: LimitedKey,
): Promise<void> {
  const ofCurrency = limits.filter(({ currency }) => currency === amount.currency);
  if (limits.length > 0 && ofCurrency.length === 0) {
    const known = limits.map(({ currency }) => currency).join(', ');
    throw new SpendLimitExceeded(`The key has limits for ${known}, and so may make none in ${amount.currency}.`, false);
  }
  if (ofCurrency.length === 0) return;
  await sql`select from kpay.api_keys where id = ${id} for no key update`.execute(db);
  for (const limit of ofCurrency) {
    const since = new Date(now.getTime() - limit.hours * HOUR_MS);
    const { rows } = await sql<{ made: string }>`
      select coalesce(sum(amount_minor), 0)::text as made from kpay.transfers
      where api_key_id = ${id} and currency = ${limit.currency} and created_at > ${since}
        and state not in ('failed', 'rejected', 'cancelled', 'expired')`.execute(db);
    const made = BigInt(rows[0]?.made ?? '0');
    if (made + amount.amountMinor <= limit.amountMinor) continue;
    const already = formatAmount({ amountMinor: made, currency: limit.currency });
    throw new SpendLimitExceeded(
      `The key may make transfers of ${describeLimit({ ...limit, corridor: null })}: ${already} ${limit.currency} are made already, and ${formatAmount(amount)} ${limit.currency} more would pass it.`,
      amount.amountMinor <= limit.amountMinor,
    );
  }
}
