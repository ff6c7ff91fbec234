import type { KpayAccount } from '@kpay/core';
import type { Ledger } from '@kpay/transfers';
import { checkPin } from '@kpay/transfers/worker';

/**
 * Makes sure that an account's keys belong to the account.
 *
 * @throws PinMismatch when KPay says that they belong to another application; RejectedError, RetryableError as any read
 *   of KPay.
 */
export type OwnKeys = (account: KpayAccount) => Promise<void>;

const ASK_WITHIN_MS = 3_000;
/** How long a failure is repeated without asking KPay again. */
const FAILED_FOR_MS = 1_000;

/**
 * Makes the check. It asks KPay once for each account, before the first of its figures is shown. Keys that change later
 * are checked when they change.
 */
export function createOwnKeys(ledger: Ledger): OwnKeys {
  const asked = new Map<KpayAccount, { answer: Promise<void>; goodUntilMs: number }>();
  return async (account) => {
    const known = asked.get(account);
    if (known && performance.now() < known.goodUntilMs) return known.answer;
    const asking = {
      answer: checkPin(ledger, account, AbortSignal.timeout(ASK_WITHIN_MS)),
      goodUntilMs: Number.POSITIVE_INFINITY,
    };
    asked.set(account, asking);
    try {
      await asking.answer;
    } catch (error) {
      asking.goodUntilMs = performance.now() + FAILED_FOR_MS;
      throw error;
    }
  };
}
