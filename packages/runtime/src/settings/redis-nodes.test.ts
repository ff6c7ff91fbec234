import { expect, it } from 'vitest';
import { redisNodes } from './redis-nodes.ts';

it.each([
  ['redis://redis:6379', ['redis://redis:6379']],
  ['redis://:a,b@redis:6379/2', ['redis://:a,b@redis:6379/2']],
  ['rediss://kpay:p@ss@one:6379,two:6380', ['rediss://kpay:p@ss@one:6379', 'rediss://kpay:p@ss@two:6380']],
  ['redis://[::1]:1, [::1]:2/0', ['redis://[::1]:1/0', 'redis://[::1]:2/0']],
])('%s', (url, nodes) => {
  expect(redisNodes(url)).toEqual(nodes);
});
