import type { Logger } from '../logging/logger.ts';

const NAMES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'];

/**
 * Says plainly that a proxy of the environment is not used. Through one, whether a byte of a transfer left could not be
 * told as surely as it must be. The value may hold a password and is not shown.
 */
export function tellProxy(env: NodeJS.ProcessEnv, logger: Pick<Logger, 'warn'>): void {
  const name = NAMES.find((each) => env[each]?.trim());
  if (name === undefined) return;
  logger.warn(
    { setting: name },
    `${name} is set and not used: KPay is reached directly. Where only a proxy leads outside, set KPAY_BASE_URL to a gateway`,
  );
}
