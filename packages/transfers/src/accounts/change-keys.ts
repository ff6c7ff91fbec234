import type { KpayAccount } from '@kpay/core';
import type { Ledger } from '@kpay/ledger';
import type { AccountSettings } from './open-accounts.ts';
import { pinAccount } from './pin.ts';
import { recentSends } from './recent-sends.ts';

const ASK_WITHIN_MS = 10_000;

/**
 * Switches an account to new keys once KPay says that they belong to the application that the ledger knows. Nothing is
 * sent with the new keys before that. An account that this process does not have is ignored.
 *
 * @throws PinMismatch when the keys belong to another application or environment; RejectedError when KPay refuses them;
 *   RetryableError when KPay does not answer. The old keys stay in use then.
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
    // KPay says that it counts requests by key. In case it counts by application, the sends of the last minute count
    // here too.
    await candidate.budget.seed(await recentSends(ledger, name, budgetWindowMs));
    await pinAccount(ledger, candidate, AbortSignal.timeout(ASK_WITHIN_MS));
  });
}
