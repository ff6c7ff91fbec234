import { readFileSync } from 'node:fs';

/** Put in its place when the package is bundled. */
declare const KPAY_CLI_VERSION: string | undefined;

export function version(): string {
  if (typeof KPAY_CLI_VERSION === 'string') return KPAY_CLI_VERSION;
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
