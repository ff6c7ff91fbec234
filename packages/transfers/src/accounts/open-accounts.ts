import { type AccountOptions, type AccountSettings, type KpayAccount, openKpayAccount } from '@kpay/core';
import type { Ledger } from '@kpay/ledger';
import { recentSends } from './recent-sends.ts';

export interface OpenAccountsOptions extends Omit<AccountOptions, 'onCall' | 'onDrift'> {
  ledger: Ledger;
  budgetWindowMs: number;
  /** Returns the listeners for an account's requests to KPay. */
  watch: (account: string) => Pick<AccountOptions, 'onCall' | 'onDrift'>;
}

/**
 * Opens accounts by name. Each budget starts with the sends of the last minute that the ledger knows. So a wiped store
 * or a restarted process does not exceed KPay's limit.
 */
export async function openAccounts(
  listed: readonly AccountSettings[],
  { ledger, watch, budgetWindowMs, ...options }: OpenAccountsOptions,
): Promise<Map<string, KpayAccount>> {
  const accounts = new Map<string, KpayAccount>();
  for (const settings of listed) {
    const { name } = settings;
    const account = openKpayAccount({ ...settings, budgetWindowMs }, { ...options, ...watch(name) });
    accounts.set(name, account);
    await account.budget.seed(await recentSends(ledger, name, budgetWindowMs));
  }
  return accounts;
}
