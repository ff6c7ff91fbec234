import { expect, it } from 'vitest';
import { readSettings, secretsOf } from '../settings/read-settings.ts';
import { warnAboutProxy } from './warn-about-proxy.ts';

const KEYS = { KPAY_API_KEY: 'kpay_test_key', KPAY_SECRET_KEY: 'secret' };
const PROXY = 'http://user:h%40sh@proxy.example:3128';

function proxyWith(env: Record<string, string>): string | undefined {
  return readSettings({ ...KEYS, ...env }).accounts[0]?.proxyUrl;
}

it.each<[Record<string, string>, string | undefined]>([
  [{ HTTPS_PROXY: PROXY }, `${PROXY}/`],
  [{ https_proxy: 'proxy.example:3128', HTTPS_PROXY: 'http://other' }, 'http://proxy.example:3128/'],
  [{ HTTPS_PROXY: ' ' }, undefined],
  // KPay is https: what is for http is for others.
  [{ HTTP_PROXY: PROXY }, undefined],
  [{ HTTP_PROXY: PROXY, KPAY_BASE_URL: 'http://kpay.internal' }, `${PROXY}/`],
  [{ HTTPS_PROXY: PROXY, KPAY_BASE_URL: 'http://kpay.internal' }, undefined],
  [{ HTTPS_PROXY: PROXY, NO_PROXY: '*' }, undefined],
  [{ HTTPS_PROXY: PROXY, NO_PROXY: 'localhost, admin.kpay.site' }, undefined],
  [{ HTTPS_PROXY: PROXY, NO_PROXY: '.kpay.site' }, undefined],
  [{ HTTPS_PROXY: PROXY, no_proxy: 'KPAY.site', NO_PROXY: 'x' }, undefined],
  [{ HTTPS_PROXY: PROXY, NO_PROXY: 'kpay.site:443' }, undefined],
  [{ HTTPS_PROXY: PROXY, NO_PROXY: 'kpay.site:8443,notkpay.site,admin' }, `${PROXY}/`],
  [{ HTTPS_PROXY: PROXY, KPAY_BASE_URL: 'https://[2001:db8::1]:8443', NO_PROXY: '[2001:db8::1]:8443' }, undefined],
  [{ HTTPS_PROXY: PROXY, KPAY_BASE_URL: 'https://[2001:db8::1]', NO_PROXY: '2001:db8::1' }, undefined],
  [{ HTTPS_PROXY: PROXY, KPAY_BASE_URL: 'https://localhost:8090' }, undefined],
  [{ HTTP_PROXY: PROXY, KPAY_BASE_URL: 'http://127.0.0.1:8090' }, undefined],
])('the proxy to KPay out of %j', (env, proxy) => {
  expect(proxyWith(env)).toBe(proxy);
});

it.each(['socks5://proxy:1080', 'http://', 'http://a b:hush', 'http://user:%zz@proxy'])(
  '%s is refused in one line without its value',
  (HTTPS_PROXY) => {
    expect(() => proxyWith({ HTTPS_PROXY })).toThrow(
      /^HTTPS_PROXY must be the address of a proxy such as http:\/\/proxy\.example:3128$/,
    );
  },
);

it('logs each way once, without its user and password, and hides those in logs', () => {
  const settings = readSettings({ ...KEYS, HTTPS_PROXY: PROXY });
  const told: string[] = [];
  warnAboutProxy([...settings.accounts, ...settings.accounts], { warn: (line: unknown) => void told.push(String(line)) });
  expect(told).toEqual(['KPay at admin.kpay.site is reached through the proxy proxy.example:3128']);
  expect(secretsOf(settings)).toEqual(expect.arrayContaining(['h%40sh', 'h@sh']));
  warnAboutProxy(readSettings(KEYS).accounts, { warn: (line: unknown) => void told.push(String(line)) });
  expect(told).toHaveLength(1);
});
