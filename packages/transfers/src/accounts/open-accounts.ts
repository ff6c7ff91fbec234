import { type Environment, type Keys, Kpay, type KpayOptions } from '@kpay/core';
import type { Ledger } from '@kpay/ledger';
import { recentSends } from './recent-sends.ts';

/** What the settings say of an account; what they say beyond this is not the client's. */
export interface AccountSettings extends Keys {
  name: string;
  baseUrl: string;
  environment: Environment;
  rateLimitPerMinute?: number | undefined;
}

/** What a process adds to the settings of its accounts. */
export type AccountOptions = Pick<
  KpayOptions,
  'budgetWindowMs' | 'clock' | 'ipv4Only' | 'maxAgeMs' | 'onCall' | 'onDrift' | 'proxy' | 'stores' | 'timeoutMs'
>;

export interface OpenAccountsOptions extends Omit<AccountOptions, 'onCall' | 'onDrift'> {
  ledger: Ledger;
  budgetWindowMs: number;
  /** Returns the listeners for an account's requests to KPay. */
  watch: (account: string) => Pick<AccountOptions, 'onCall' | 'onDrift'>;
}

/**
 * Opens one account. Its calls wait for the request budget without end: a backlog is normal here, and who calls brings a
 * signal. A read that failed is not repeated: its caller holds the transfer or shows the last value.
 *
 * @throws InvalidSettingsError
 */
export function openAccount(settings: AccountSettings, options: AccountOptions = {}): Kpay {
  const { name, apiKey, secretKey, baseUrl, environment, rateLimitPerMinute } = settings;
  const account = { name, apiKey, secretKey, baseUrl, environment, rateLimitPerMinute };
  return new Kpay({ ...account, ...options, maxWaitMs: Number.POSITIVE_INFINITY, maxRetries: 0 });
}

/**
 * Opens accounts by name. Each budget starts with the sends of the last minute that the ledger knows. So a wiped store
 * or a restarted process does not exceed KPay's limit.
 */
export async function openAccounts(
  listed: readonly AccountSettings[],
  { ledger, watch, budgetWindowMs, ...options }: OpenAccountsOptions,
): Promise<Map<string, Kpay>> {
  const accounts = new Map<string, Kpay>();
  for (const settings of listed) {
    const { name } = settings;
    const account = openAccount(settings, { budgetWindowMs, ...options, ...watch(name) });
    accounts.set(name, account);
    await account.budget.seed(await recentSends(ledger, name, budgetWindowMs));
  }
  return accounts;
}
