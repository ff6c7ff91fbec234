import { type AccountOptions, type AccountSettings, type KpayAccount, openKpayAccount } from '@kpay/core';
import type { Ledger } from './ledger/ledger.ts';
import { recentSendAges } from './recent-sends.ts';

/** Told of each request to KPay that is over. */
export type OnAccountCall = (call: Parameters<NonNullable<AccountOptions['onCall']>>[0] & { account: string }) => void;

/**
 * Opens accounts by name, with the budget that the ledger remembers: a store that was wiped, or a process that began
 * anew, does not begin a new minute at KPay.
 */
export async function openAccounts(
  listed: readonly AccountSettings[],
  {
    ledger,
    onCall,
    budgetWindowMs,
    ...options
  }: Omit<AccountOptions, 'onCall'> & { ledger: Ledger; onCall: OnAccountCall; budgetWindowMs: number },
): Promise<Map<string, KpayAccount>> {
  const accounts = new Map<string, KpayAccount>();
  for (const settings of listed) {
    const { name } = settings;
    const account = openKpayAccount(
      { ...settings, budgetWindowMs },
      { ...options, onCall: (call) => onCall({ ...call, account: name }) },
    );
    accounts.set(name, account);
    await account.budget.seed(await recentSendAges(ledger, name, budgetWindowMs));
  }
  return accounts;
}
