import { expect, test } from 'vitest';
import { tellProxy } from './tell-proxy.ts';

test.each([
  [{ HTTPS_PROXY: 'http://user:hush@proxy:3128' }, ['HTTPS_PROXY']],
  [{ http_proxy: 'http://user:hush@proxy:3128' }, ['http_proxy']],
  [{ NO_PROXY: '*' }, []],
  [{ HTTPS_PROXY: ' ' }, []],
])('a proxy of the environment is told as not used, without its value (%j)', (env, names) => {
  const told: string[] = [];
  tellProxy(env, { warn: (...given: unknown[]) => void told.push(JSON.stringify(given)) });
  expect(told).toHaveLength(names.length);
  for (const name of names) expect(told[0]).toContain(`${name} is set and not used`);
  expect(told.join('')).not.toContain('hush');
});
