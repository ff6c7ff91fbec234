import type { Logger } from '../logging/logger.ts';
import type { AccountSettings } from '../settings/read-settings.ts';

/** Logs which KPay is reached through which proxy, without the proxy's user and password. */
export function warnAboutProxy(accounts: readonly AccountSettings[], logger: Pick<Logger, 'warn'>): void {
  const ways = new Set(
    accounts.flatMap(({ baseUrl, proxyUrl }) =>
      proxyUrl === undefined ? [] : [`KPay at ${new URL(baseUrl).host} is reached through the proxy ${new URL(proxyUrl).host}`],
    ),
  );
  for (const way of ways) logger.warn(way);
}
