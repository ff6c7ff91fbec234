import { readSettings, secretsOf } from '@kpay/runtime';
import { expect, it } from 'vitest';
import { warnAboutProxy } from './warn-about-proxy.ts';

it('each way is told once, without user and password, which the log knows for secrets', () => {
  const env = { KPAY_API_KEY: 'kpay_test_key', KPAY_SECRET_KEY: 'secret' };
  const proxied = { ...env, HTTPS_PROXY: 'http://user:h%40sh@proxy.example:3128' };
  const { accounts } = readSettings(proxied);
  const told: unknown[] = [];
  const logger = { warn: (line: unknown) => void told.push(line) };
  warnAboutProxy(proxied, [...accounts, ...accounts], logger);
  expect(told).toEqual(['KPay at admin.kpay.site is reached through the proxy proxy.example:3128']);
  expect(secretsOf(readSettings(proxied))).toEqual(expect.arrayContaining(['h%40sh', 'h@sh']));
  warnAboutProxy(env, accounts, logger);
  expect(told).toHaveLength(1);
});
