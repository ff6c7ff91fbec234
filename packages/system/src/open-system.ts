import type { KpayAccount } from '@kpay/core';
import { type AccountSettings, createCallWatchers, type Settings } from '@kpay/runtime';
import { type AccountRules, changeKeys, openAccounts, readAccountRules } from '@kpay/transfers/worker';
import type { App } from './open-app.ts';
import type { SystemStores } from './open-stores.ts';

/** A process with its stores and its KPay accounts. Worker, exporter and admin API start from it. */
export interface System<OfSettings extends Settings = Settings> extends App<OfSettings>, SystemStores {
  accounts: ReadonlyMap<string, KpayAccount>;
  /** The settings that `accounts` were opened with. */
  accountSettings: readonly AccountSettings[];
  /** The rules of those accounts that have any. */
  rules: ReadonlyMap<string, AccountRules>;
}

/**
 * Opens the accounts, and switches to keys that change in their files.
 *
 * @param listed the accounts that this process uses; those of the settings by default.
 * @throws InvalidSettingsError
 */
export async function openSystem<OfSettings extends Settings>(
  app: App<OfSettings>,
  stores: SystemStores,
  listed: readonly AccountSettings[] = app.settings.accounts,
): Promise<System<OfSettings>> {
  const { logger, shutdown, registry, onNewKeys } = app;
  const { budgetWindowMs, observeEveryMs: maxAgeMs, ipv4Only } = app.settings;
  const rules = readAccountRules(listed);
  const accounts = await openAccounts(listed, {
    ledger: stores.ledger,
    stores: stores.kpay,
    budgetWindowMs,
    maxAgeMs,
    ipv4Only,
    watch: createCallWatchers(registry, logger),
  });
  shutdown.push('accounts', () => Promise.all([...accounts.values()].map((account) => account.close())));
  onNewKeys((account) => changeKeys(stores.ledger, accounts, account, budgetWindowMs));
  return { ...app, ...stores, accounts, accountSettings: listed, rules };
}
