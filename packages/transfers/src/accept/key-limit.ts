import { formatAmount } from '@kpay/core';
import type { LedgerTransaction } from '@kpay/ledger';
import { sql } from 'kysely';
import { describeLimit, type SpendLimit } from '../checks/spend-limit.ts';
import { SpendLimitExceeded } from '../errors.ts';
import { type KeyOfLine, keysFrom, lineOfKey, lockKeys } from '../keys/key-tree.ts';
import { statesWithoutEffect } from '../states/states.ts';
import type { TransferRequest } from './request.ts';

const HOUR_MS = 60 * 60_000;

/** The most that a key may create of one currency in any period of `hours`. */
export type KeyLimit = Omit<SpendLimit, 'corridor'>;

/** A key of the admin API. */
export interface LimitedKey {
  id: string;
  /** Empty when the key has no limits. A key made by a key with limits has limits too. */
  limits: readonly KeyLimit[];
}

/**
 * Checks a new transfer against the key that makes it, in the transaction that records it. The key must be valid now.
 * Its limits, and those of the keys above it, must have room. A limit covers a key and all keys made with it, directly
 * or through others. It counts what they created within the period, except transfers that ended without moving money.
 *
 * Keys whose limits count are locked. So of two transfers created at once, the later one sees the earlier. A key
 * without limits is only protected from being revoked meanwhile.
 *
 * @throws KeyEnded, SpendLimitExceeded
 */
export async function checkKey(
  tx: LedgerTransaction,
  { amount }: Pick<TransferRequest, 'amount'>,
  { id }: Pick<LimitedKey, 'id'>,
): Promise<void> {
  const line = await lineOfKey(tx, id);
  const from = line.findIndex(({ limits }) => limits !== null);
  if (from < 0) return lockKeys(tx, [id]);
  // Takes the strongest lock at once. Two transactions that both upgrade a shared lock deadlock.
  const limited = line.slice(from);
  await lockKeys(
    tx,
    limited.map((key) => key.id),
    true,
  );
  for (const key of limited) await checkLimits(tx, amount, key, key.id === id);
}

async function checkLimits(
  { db, now }: LedgerTransaction,
  amount: TransferRequest['amount'],
  key: KeyOfLine,
  isOwn: boolean,
): Promise<void> {
  const limits = (key.limits ?? []).map((limit) => ({ ...limit, amountMinor: BigInt(limit.amountMinor) }));
  const ofCurrency = limits.filter(({ currency }) => currency === amount.currency);
  const whose = isOwn ? 'The key' : 'A key that yours was made by';
  if (limits.length > 0 && ofCurrency.length === 0) {
    const known = limits.map(({ currency }) => currency).join(', ');
    throw new SpendLimitExceeded(`${whose} has limits for ${known}, and so may make none in ${amount.currency}.`, false);
  }
  for (const limit of ofCurrency) {
    const since = new Date(now.getTime() - limit.hours * HOUR_MS);
    const { rows } = await sql<{ made: string }>`
      with recursive ${keysFrom(key.id)}, made as (
        select t.amount_minor from tree join kpay.transfers t on t.api_key_id = tree.id
        where t.currency = ${limit.currency} and t.created_at > ${since} and t.state <> all(${[...statesWithoutEffect]}::text[])
        union all
        -- Two queries, so that an index alone answers the first. The second counts failed transfers for which KPay's
        -- receipt came late.
        select t.amount_minor from tree join kpay.transfers t on t.api_key_id = tree.id
        where t.currency = ${limit.currency} and t.created_at > ${since} and t.state = any(${[...statesWithoutEffect]}::text[])
          and t.kpay_transfer_id is not null
      )
      select coalesce(sum(amount_minor), 0)::text as made from made`.execute(db);
    const made = BigInt(rows[0]?.made ?? '0');
    if (made + amount.amountMinor <= limit.amountMinor) continue;
    const already = formatAmount({ amountMinor: made, currency: limit.currency });
    const next = `${formatAmount(amount)} ${limit.currency} more would pass it.`;
    throw new SpendLimitExceeded(
      `${whose} may make transfers of ${describeLimit({ ...limit, corridor: null })}, with those of all keys that came of it: ${
        // For another owner's key, the text says only that there is no room, not how much was used.
        isOwn ? `${already} ${limit.currency} are made already, and ${next}` : next
      }`,
      amount.amountMinor <= limit.amountMinor,
    );
  }
}
