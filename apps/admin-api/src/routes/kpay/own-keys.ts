import type { KpayAccount } from '@kpay/core';
import type { Ledger } from '@kpay/transfers';
import { checkPin } from '@kpay/transfers/worker';

/**
 * Makes sure that an account's keys read its own figures.
 * @throws PinMismatch when KPay says that they are another's; RejectedError, RetryableError as any read of KPay.
 */
export type OwnKeys = (account: KpayAccount) => Promise<void>;

const ASK_WITHIN_MS = 3_000;
/** So long a failure is answered again without asking KPay. */
const FAILED_FOR_MS = 1_000;

/** Asks KPay once for each account, before the first of its figures is shown. Keys that change later are checked as they change. */
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
