import { type AccountOptions, type AccountSettings, type KpayAccount, openKpayAccount } from '@kpay/core';
import type { Ledger } from '@kpay/ledger';
import { recentSends } from './recent-sends.ts';

export interface OpenAccountsOptions extends Omit<AccountOptions, 'onCall' | 'onDrift'> {
  ledger: Ledger;
  budgetWindowMs: number;
  /** Who is told what an account does at KPay. */
  watch: (account: string) => Pick<AccountOptions, 'onCall' | 'onDrift'>;
}

/**
 * Opens accounts by name, with the budget that the ledger remembers: a store that was wiped, or a process that began
 * anew, does not begin a new minute at KPay.
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
