import { expect, it } from 'vitest';
import { relativeReference } from './relative-reference.ts';

it.each([
  ['/v1/transfers', '/v1/transfers/1'],
  ['/v1/transfers/', '/v1/transfers/1'],
  ['/v1/transfers?dryRun=false&x=/a/b', '/v1/transfers/1'],
  ['/v1/transfers/1/replay', '/v1/transfers/2'],
  ['http://localhost:8080/v1/transfers', '/v1/transfers/1'],
  ['/queues', '/queues'],
  ['/queues/', '/queues'],
  ['/queues/queue/name?page=2', '/queues'],
  ['/', '/docs'],
])('from %s leads to %s, below a proxy’s path too', (originalUrl, path) => {
  const reference = relativeReference({ originalUrl }, path);
  const asked = originalUrl.replace('http://localhost:8080', '');
  for (const prefix of ['', '/kpay', '/a/b']) {
    expect(new URL(reference, `http://localhost${prefix}${asked}`).pathname).toBe(prefix + path);
  }
});
