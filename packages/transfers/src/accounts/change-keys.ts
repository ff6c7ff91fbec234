import type { AccountSettings, KpayAccount } from '@kpay/core';
import type { Ledger } from '@kpay/ledger';
import { pinAccount } from './pin.ts';
import { recentSends } from './recent-sends.ts';

const ASK_WITHIN_MS = 10_000;

/**
 * Goes over to an account's new keys, when KPay says that they are of the application that the ledger knows. Nothing of
 * the account is sent with them before that. An account that this process does not have is nobody's concern.
 *
 * @throws PinMismatch when they are of another application or environment, Rejected when KPay refuses them, Retryable when
 *   it does not answer: the old keys stay in use.
 */
export async function changeKeys(
  ledger: Ledger,
  accounts: ReadonlyMap<string, KpayAccount>,
  { name, apiKey, secretKey }: Pick<AccountSettings, 'name' | 'apiKey' | 'secretKey'>,
  budgetWindowMs: number,
): Promise<void> {
  const account = accounts.get(name);
  if (!account) return;
  await account.changeKeys({ apiKey, secretKey }, async (candidate) => {
    // KPay says that it counts by key. Should it count by application, the last minute's sends count on.
    await candidate.budget.seed(await recentSends(ledger, name, budgetWindowMs));
    await pinAccount(ledger, candidate, AbortSignal.timeout(ASK_WITHIN_MS));
  });
}
