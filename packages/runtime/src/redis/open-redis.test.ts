import { createTcpProxy, eventually, freePort, startRedis } from '@kpay/testkit';
import { Cluster, Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import { openQueues } from '../queues/open-queues.ts';
import { openRedis } from './open-redis.ts';

const PROMPT_MS = 1_000;
const lines: string[] = [];
const logger = pino({}, { write: (line: string) => void lines.push(line) });
const closers: (() => unknown)[] = [];

afterAll(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const server = await startRedis();
closers.push(() => 'unavailable' in server || server.stop());

async function behindProxy() {
  const proxy = await createTcpProxy({ target: { host: '127.0.0.1', port: 'unavailable' in server ? 0 : server.port } });
  closers.push(proxy.close);
  return { proxy, url: `redis://127.0.0.1:${proxy.port}` };
}

describe.skipIf('unavailable' in server)(`on Redis${'unavailable' in server ? ` (${server.unavailable})` : ''}`, () => {
  it('while Redis is away a producer is told at once, and a worker waits and goes on', async () => {
    const { proxy, url } = await behindProxy();
    const producer = await openRedis({ url, role: 'producer', logger });
    const worker = await openRedis({ url, role: 'worker', logger });
    closers.push(
      () => producer.disconnect(),
      () => worker.disconnect(),
    );
    proxy.refuse();
    await eventually(() => expect([producer.status, worker.status]).not.toContain('ready'));
    const began = performance.now();
    await expect(producer.set('key', '1')).rejects.toThrow();
    expect(performance.now() - began).toBeLessThan(PROMPT_MS);
    const set = worker.set('key', '2');
    proxy.resume();
    expect(await set).toBe('OK');
    await eventually(async () => expect(await producer.get('key')).toBe('2'));
    expect(lines.join('')).toContain('the connection to Redis failed');
  });

  it('queues live through a loss of Redis: jobs added before and after it are done', async () => {
    const { proxy, url } = await behindProxy();
    const queues = await openQueues({ store: { kind: 'redis', redisUrl: url }, logger });
    closers.push(queues.close);
    const prefix = '{kpay-default}';
    const done: string[] = [];
    const queue = queues.queue('kpay-advance-default', { prefix });
    queues.worker('kpay-advance-default', async ({ name }) => void done.push(name), { prefix });
    await queue.add('before', {});
    await eventually(() => expect(done).toEqual(['before']));
    proxy.refuse();
    await eventually(() => expect(queue.add('during', {})).rejects.toThrow());
    proxy.resume();
    await eventually(async () => void (await queue.add('after', {}, { jobId: 'after' })));
    await eventually(() => expect(done).toEqual(expect.arrayContaining(['before', 'after'])), { timeoutMs: 15_000 });
  });
});

const half = await startRedis([
  '--cluster-enabled',
  'yes',
  '--cluster-announce-ip',
  '127.0.0.1',
  '--cluster-port',
  String(await freePort()),
]);
closers.push(() => 'unavailable' in half || half.stop());

// BullMQ waits for a copy of the connection, and a worker whose copy never says that it is there never works again.
it.skipIf('unavailable' in half)('a copied cluster connection comes back although some slots have no master yet', async () => {
  if ('unavailable' in half) return;
  const node = new Redis(half.url);
  closers.push(() => node.disconnect());
  await node.call('CLUSTER', 'ADDSLOTSRANGE', '0', '8000');
  const worker = await openRedis({ url: `${half.url},127.0.0.1:${half.port}`, role: 'worker', logger });
  closers.push(() => worker.disconnect());
  if (!(worker instanceof Cluster)) throw new Error('a list of nodes leads to a cluster');
  const copy = worker.duplicate();
  closers.push(() => copy.disconnect());
  await copy.connect();
  const set = copy.set('key', '1');
  expect(await node.call('CLUSTER', 'INFO')).toContain('cluster_state:fail');
  await node.call('CLUSTER', 'ADDSLOTSRANGE', '8001', '16383');
  expect(await set).toBe('OK');
});

it('a password in REDIS_URL is not shown when the server is not there', async () => {
  const refused = openRedis({ url: 'redis://:hush@127.0.0.1:1', role: 'producer', logger });
  await expect(refused).rejects.toThrow(/^Redis does not answer \(connect ECONNREFUSED/);
  await expect(refused).rejects.not.toThrow('hush');
});

it.each([
  ['redis://:hush@one:6379,two', 'REDIS_URL lists "two": give each node a host and a port'],
  ['redis://:hush@one:6379,two:6379/3', 'REDIS_URL names database 3: a Redis Cluster has only one, leave it out'],
  ['redis://:hush@127.0.0.1:1,127.0.0.1:2', 'Redis does not answer (Connection is closed.): check REDIS_URL'],
])('refuses a list of nodes that cannot be a cluster, without its password: %s', async (url, message) => {
  const refused = await openRedis({ url, role: 'producer', logger }).catch((error: unknown) => error);
  expect(String(refused)).toContain(message);
  expect(String(refused)).not.toContain('hush');
});
