import { proxyOf } from '@kpay/core';
import type { Logger } from '@kpay/runtime';

/**
 * Says plainly which KPay is reached through which proxy of the environment. Its user and password are not shown.
 * @throws InvalidSettingsError when a variable names no proxy.
 */
export function warnAboutProxy(
  env: NodeJS.ProcessEnv,
  accounts: readonly { baseUrl: string }[],
  logger: Pick<Logger, 'warn'>,
): void {
  for (const baseUrl of new Set(accounts.map((account) => account.baseUrl))) {
    const proxy = proxyOf(env, baseUrl);
    if (proxy) logger.warn(`KPay at ${new URL(baseUrl).host} is reached through the proxy ${new URL(proxy.url).host}`);
  }
}
