import { formatAmount } from '@kpay/core';
import type { LedgerTransaction } from '@kpay/ledger';
import { sql } from 'kysely';
import { describeLimit, type SpendLimit } from '../checks/spend-limit.ts';
import { SpendLimitExceeded } from '../errors.ts';
import { type KeyOfLine, keysFrom, lineOfKey, lockKeys } from '../keys/key-tree.ts';
import { statesWithoutEffect } from '../states/states.ts';
import type { TransferRequest } from './request.ts';

const HOUR_MS = 60 * 60_000;

/** The most that may be made with a key, of a currency, in any stretch of so many hours. */
export type KeyLimit = Omit<SpendLimit, 'corridor'>;

/** A key of the admin API. */
export interface LimitedKey {
  id: string;
  /** None unless it has limits of its own. A key made by one with limits has limits too. */
  limits: readonly KeyLimit[];
}

/**
 * Judges a new transfer by the key that makes it, in the transaction that records it: the key must be good in this moment,
 * and its limits and those of the keys it came of must have room. A limit is one of a key and of all keys that came of it:
 * what any of them made within the stretch counts, but for what ended without moving money.
 *
 * The rows of the keys whose limits count are locked: of two transfers made at once the later is judged with the earlier
 * one recorded. A key without limits is only kept from being revoked meanwhile.
 *
 * @throws KeyEnded, SpendLimitExceeded
 */
export async function judgeKey(
  tx: LedgerTransaction,
  { amount }: Pick<TransferRequest, 'amount'>,
  { id }: Pick<LimitedKey, 'id'>,
): Promise<void> {
  const line = await lineOfKey(tx, id);
  const from = line.findIndex(({ limits }) => limits !== null);
  if (from < 0) return lockKeys(tx, [id]);
  // What limits need, at once: two that raise a shared lock wait for each other for ever.
  const limited = line.slice(from);
  await lockKeys(
    tx,
    limited.map((key) => key.id),
    true,
  );
  for (const key of limited) await judgeLimits(tx, amount, key, key.id === id);
}

async function judgeLimits(
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
        -- Apart, so that the index alone answers the first. KPay's receipt came after these were settled.
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
        // Of others it is told that there is no room, and not how much they made.
        isOwn ? `${already} ${limit.currency} are made already, and ${next}` : next
      }`,
      amount.amountMinor <= limit.amountMinor,
    );
  }
}
