import type { KpayAccount } from '@kpay/core';
import type { Ledger } from '@kpay/transfers';
import type { Finding } from './finding.ts';

// A slot is counted from KPay's answer, and the ledger writes the answer down a little later.
const MARGIN_MS = 5_000;

export interface BudgetOptions {
  limit: number;
  windowMs: number;
}

/**
 * Whether every process takes its requests from the same budget: each send that the ledger knows of the last window must
 * have taken a slot of this one. Who sends past it has another REDIS_URL, or a key file of its own.
 *
 * @param accounts those that share one API key, and with it a budget.
 */
export async function checkBudget(
  accounts: readonly KpayAccount[],
  ledger: Ledger,
  { limit, windowMs }: BudgetOptions,
): Promise<Finding> {
  const [first] = accounts;
  const names = accounts.map(({ name }) => name);
  const check = `budget of ${names.join(', ')}`;
  const since = new Date(Date.now() - Math.max(0, windowMs - MARGIN_MS));
  const { count } = await ledger.db
    .selectFrom('kpay.attempts')
    .select((it) => it.fn.countAll<string>().as('count'))
    .where('account', 'in', names)
    .where('outcome', '=', 'succeeded')
    .where('ended_at', '>', since)
    .executeTakeFirstOrThrow();
  const used = limit - ((await first?.budget.remaining()) ?? limit);
  if (used >= Math.min(Number(count), limit))
    return { check, verdict: 'good', what: `${used} of ${limit} used in this minute, the sends among them` };
  return {
    check,
    verdict: 'wrong',
    what: `the ledger has ${count} sends of the last minute, and the budget in Redis knows of ${used} requests: a process sends past it (unless Redis was wiped just now)`,
    fix: 'give every process of these keys the same REDIS_URL, then: kpay doctor',
  };
}
