import { get } from 'node:http';
import { transferQueueName } from '@kpay/producer';
import { openQueues, openRedis, type Queues } from '@kpay/runtime';
import { startRedis } from '@kpay/testkit';
import type { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBoardQueues } from '../src/index.ts';
import { adminToken, type RunningApi, startApi } from './running-api.ts';
import { forbiddenLedger, logger, openTestLedger, type TestLedger } from './test-ledger.ts';

const redis = await startRedis();
const basic = (password: string) => ({ authorization: `Basic ${Buffer.from(`anybody:${password}`).toString('base64')}` });

async function onPglite(): Promise<{ ledger: TestLedger; queues: Queues }> {
  const opened = await openTestLedger();
  const queues = await openQueues({ store: { kind: 'embedded', database: opened.database }, logger });
  const stop = async () => {
    await queues.close();
    await opened.stop();
  };
  return { ledger: { ...opened, stop }, queues };
}

async function onRedis(url: string): Promise<{ ledger: TestLedger; queues: Queues }> {
  const queues = await openQueues({ store: { kind: 'redis', redisUrl: url }, logger });
  // The bootstrap token needs no ledger.
  return { ledger: { ...forbiddenLedger(), stop: () => queues.close() }, queues };
}

const stores: [name: string, open: () => Promise<{ ledger: TestLedger; queues: Queues }>][] = [
  ['in the embedded database', onPglite],
  ...('unavailable' in redis ? [] : [['in Redis', () => onRedis(redis.url)] satisfies [string, typeof onPglite]]),
];
afterAll(async () => {
  if (!('unavailable' in redis)) await redis.stop();
});

type RedisClient = Awaited<ReturnType<typeof openRedis>>;
const SPOILT = ['not-json', 'no-object', 'no-hash'];

/** Data that somebody with write access to Redis may leave there, without knowing BullMQ. */
async function spoilRedis(queue: Queue, client: RedisClient): Promise<void> {
  for (const id of SPOILT) await queue.add('transfer', {}, { jobId: id });
  await client.hset(queue.toKey('not-json'), { data: '{"externalId":' });
  await client.hset(queue.toKey('no-object'), { opts: 'null' });
  await client.del(queue.toKey('no-hash'));
  await client.set(queue.toKey('no-hash'), 'x');
}

describe.each(stores)('the board of queues %s', (where, open) => {
  const isRedis = where === 'in Redis';
  let api: RunningApi;
  let queue: ReturnType<Queues['queue']>;
  beforeAll(async () => {
    const { ledger, queues } = await open();
    const shown = openBoardQueues(['default'], queues.queue);
    [queue] = shown as [typeof queue];
    await queue.add('transfer', { externalId: 'order-1' }, { jobId: 'door-1' });
    api = await startApi(ledger, [], { queues: shown });
  }, 60_000);
  afterAll(() => api.close());
  const board = (path: string, headers = basic(adminToken)) => api.ask(`/queues${path}`, { token: null, headers });
  const name = transferQueueName('default');

  it('shows a browser its page, scripts and jobs', async () => {
    const page = await board('/');
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    // Relative, so that it is also right below a proxy's path.
    expect(page.text).toContain('<base href="../queues/"');
    // All scripts come from this server, and none is inline.
    const scripts = [...page.text.matchAll(/<script ([^>]*)>/g)].map(([, attributes = '']) => attributes);
    expect(scripts.length).toBeGreaterThan(1);
    for (const script of scripts) expect(script).toMatch(/type="application\/json"|src="(base\.js|static\/[^"]+)"/);
    const sources = scripts.flatMap((script) => /src="([^"]+)"/.exec(script)?.[1] ?? []);
    for (const source of sources) expect((await board(`/${source}`)).status).toBe(200);

    const listed = (await board('/api/queues')).body.queues as { name: string; readOnlyMode: boolean; allowRetries: boolean }[];
    expect(listed).toMatchObject([
      { name, readOnlyMode: true, allowRetries: false },
      { name: 'kpay-advance-default', readOnlyMode: true, allowRetries: false },
    ]);
    expect((await board(`/api/queues/${name}/door-1`)).body).toMatchObject({ job: { id: 'door-1' } });
    expect((await board('/api/redis/stats')).status).toBe(200);
  });

  it('stands on the page for people, whose links all lead somewhere', async () => {
    const page = await api.ask('/', { token: null, headers: { accept: 'text/html' } });
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'/);
    const links = [...page.text.matchAll(/href="([^"]+)"/g)].map(([, link = '']) => link);
    expect(links).toEqual(['docs/favicon-32x32.png', 'docs', 'openapi.json', 'queues', 'metrics', 'healthz', 'readyz']);
    for (const link of links) expect((await api.ask(`/${link}`, { token: null })).status).not.toBe(404);
    expect(page.text).toContain('<code>GAB</code>: XAF');
    const { status, body } = await api.ask('/', { token: null });
    expect([status, body.countries]).toEqual([200, expect.arrayContaining(['CMR', 'COD'])]);
    expect(body.links).toMatchObject({ docs: 'docs', queues: 'queues' });
  });

  it('lets in by a bearer token too, and nobody without one', async () => {
    expect((await api.ask('/queues/api/queues')).status).toBe(200);
    for (const headers of [
      {},
      basic('wrong'),
      basic(''),
      { authorization: 'Basic ???' },
      { authorization: `Basic ${adminToken}` },
    ]) {
      const refused = await board('/', headers as { authorization: string });
      expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
        401,
        expect.stringMatching(/^Basic realm="kpay queues"/),
      ]);
    }
    expect((await board('/static/js/main.js', basic('wrong'))).status).toBe(401);
  });

  it('shows a job that cannot be read as such, and all others beside it, each bounded', async () => {
    await queue.add('transfer', { externalId: 'order-2', description: 'x'.repeat(50_000) }, { jobId: 'door-2' });
    const client =
      isRedis && !('unavailable' in redis) ? await openRedis({ url: redis.url, role: 'producer', logger }) : undefined;
    if (client) await spoilRedis(queue, client);
    const query = `?activeQueue=${name}&status=waiting&jobsPerPage=1000000`;
    const { status, body } = await board(`/api/queues${query}`);
    expect(status).toBe(200);
    const [door] = body.queues as { jobs: { id: string; data: unknown }[]; hasWorkers: unknown }[];
    const shown = Object.fromEntries(door?.jobs.map(({ id, data }) => [id, data]) ?? []);
    expect(shown).toMatchObject({
      'door-1': { externalId: 'order-1' },
      'door-2': expect.stringMatching(/… \[\d+ characters\]$/),
    });
    if (client) {
      const unreadable = { unreadable: expect.any(String) };
      expect(shown).toMatchObject({ 'not-json': unreadable, 'no-object': unreadable, 'no-hash': unreadable });
      expect((await board(`/api/queues/${name}/not-json`)).body).toMatchObject({ job: { data: unreadable } });
    }
    // The page does not claim that there are no workers, because that cannot be known.
    expect(door?.hasWorkers).toBeNull();
    expect((await board('/api/queues?activeQueue=%25')).status).toBe(400);
    await queue.remove('door-2');
    for (const id of SPOILT) {
      await client?.del(queue.toKey(id));
      await client?.lrem(queue.toKey('wait'), 0, id);
    }
    client?.disconnect();
  });

  it('takes no two tokens', async () => {
    const { status } = await new Promise<{ status: number | undefined }>((resolve, reject) => {
      const headers = ['authorization', basic('wrong').authorization, 'authorization', basic(adminToken).authorization];
      const { host } = new URL(api.url);
      get(`${api.url}/queues/api/queues`, { headers: ['host', host, ...headers] }, (answer) => {
        answer.resume();
        resolve({ status: answer.statusCode });
      }).once('error', reject);
    });
    expect(status).toBe(400);
  });

  it('takes a password for nothing else', async () => {
    expect((await api.ask('/v1/transfers', { token: null, headers: basic(adminToken) })).status).toBe(401);
  });

  it.each([
    ['PUT', '/api/queues/pause'],
    ['PUT', `/api/queues/${name}/empty`],
    ['PUT', `/api/queues/${name}/obliterate`],
    ['PUT', `/api/queues/${name}/door-1/clean`],
    ['PUT', `/api/queues/${name}/door-1/retry`],
    ['PATCH', `/api/queues/${name}/door-1/update-data`],
    ['POST', `/api/queues/${name}/add`],
    ['DELETE', `/api/queues/${name}/door-1`],
  ])('does nothing: %s %s is 405', async (method, path) => {
    const answer = await api.ask(`/queues${path}`, { method, body: { name: 'x', data: {} } });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect(await queue.getJobCountByTypes('wait', 'prioritized', 'delayed')).toBe(1);
    expect(await queue.isPaused()).toBe(false);
  });
});
