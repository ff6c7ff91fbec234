import { expect, it } from 'vitest';
import { proxyOf } from './proxy.ts';

const PROXY = 'http://user:h%40sh@proxy.example:3128';
const KPAY = 'https://admin.kpay.site';

it.each<[Record<string, string>, string, string | undefined]>([
  [{ HTTPS_PROXY: PROXY }, KPAY, `${PROXY}/`],
  [{ https_proxy: 'proxy.example:3128', HTTPS_PROXY: 'http://other' }, KPAY, 'http://proxy.example:3128/'],
  [{ HTTPS_PROXY: ' ' }, KPAY, undefined],
  // KPay is https: what is for http is for others.
  [{ HTTP_PROXY: PROXY }, KPAY, undefined],
  [{ HTTP_PROXY: PROXY }, 'http://kpay.internal', `${PROXY}/`],
  [{ HTTPS_PROXY: PROXY }, 'http://kpay.internal', undefined],
  [{ HTTPS_PROXY: PROXY, NO_PROXY: '*' }, KPAY, undefined],
  [{ HTTPS_PROXY: PROXY, NO_PROXY: 'localhost, admin.kpay.site' }, KPAY, undefined],
  [{ HTTPS_PROXY: PROXY, NO_PROXY: '.kpay.site' }, KPAY, undefined],
  [{ HTTPS_PROXY: PROXY, no_proxy: 'KPAY.site', NO_PROXY: 'x' }, KPAY, undefined],
  [{ HTTPS_PROXY: PROXY, NO_PROXY: 'kpay.site:443' }, KPAY, undefined],
  [{ HTTPS_PROXY: PROXY, NO_PROXY: 'kpay.site:8443,notkpay.site,admin' }, KPAY, `${PROXY}/`],
  [{ HTTPS_PROXY: PROXY, NO_PROXY: '[2001:db8::1]:8443' }, 'https://[2001:db8::1]:8443', undefined],
  [{ HTTPS_PROXY: PROXY, NO_PROXY: '2001:db8::1' }, 'https://[2001:db8::1]', undefined],
  [{ HTTPS_PROXY: PROXY }, 'https://localhost:8090', undefined],
  [{ HTTP_PROXY: PROXY }, 'http://127.0.0.1:8090', undefined],
])('the proxy out of %j to %s', (environment, address, proxy) => {
  expect(proxyOf(environment, address)?.url).toBe(proxy);
});

it.each(['socks5://proxy:1080', 'http://', 'http://a b:hush', 'http://user:%zz@proxy'])(
  '%s is refused in one line without its value',
  (HTTPS_PROXY) => {
    expect(() => proxyOf({ HTTPS_PROXY }, KPAY)).toThrow(
      /^HTTPS_PROXY must be the address of a proxy such as http:\/\/proxy\.example:3128$/,
    );
  },
);
