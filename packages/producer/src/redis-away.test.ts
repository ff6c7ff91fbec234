import { setTimeout } from 'node:timers/promises';
import { createTcpProxy, eventually, startRedis } from '@kpay/testkit';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createStage, newAccount, request } from '../test/stage.ts';
import { endsWhenTold } from '../test/stand-in-worker.ts';
import { createProducer, type Producer } from './index.ts';

const redis = await startRedis();
const url = 'unavailable' in redis ? '' : redis.url;
const port = 'unavailable' in redis ? 0 : redis.port;
const why = 'unavailable' in redis ? ` (${redis.unavailable})` : '';
const { open, work, look, later, close } = createStage(url);
afterEach(close);
afterAll(() => 'unavailable' in redis || redis.stop());

describe.skipIf('unavailable' in redis)(`while Redis is away${why}`, () => {
  const FAST_MS = 2_000;

  async function throughProxy(account: string) {
    const proxy = await createTcpProxy({ target: { host: '127.0.0.1', port } });
    later(proxy.close);
    const producer = createProducer({ account, connection: `redis://127.0.0.1:${proxy.port}` });
    later(producer.close);
    return { proxy, producer };
  }

  async function expectUnavailable(producer: Producer): Promise<void> {
    const startedAt = performance.now();
    const failure = await producer.enqueue(request).catch((error: unknown) => error);
    expect(performance.now() - startedAt).toBeLessThan(FAST_MS);
    expect(failure).toMatchObject({ name: 'UnavailableError', externalId: 'order-1' });
    expect(String(failure)).toContain('nothing is known to be enqueued, repeating with externalId "order-1" is safe');
  }

  it.each(['refuse', 'drop'] as const)('says so within two seconds, and goes on when it is back (%s)', async (fault) => {
    const account = newAccount();
    const { proxy, producer } = await throughProxy(account);
    await producer.enqueue({ ...request, externalId: 'before' });
    proxy[fault]();
    await expectUnavailable(producer);
    await expectUnavailable(producer);
    proxy.resume();
    await eventually(() => producer.enqueue(request));
    expect(await look(account).getJobCountByTypes()).toBe(2);
  });

  it('says so although it never was there, and goes on when it comes', async () => {
    const account = newAccount();
    const proxy = await createTcpProxy({ target: { host: '127.0.0.1', port } });
    later(proxy.close);
    proxy.refuse();
    const producer = createProducer({ account, connection: `redis://127.0.0.1:${proxy.port}` });
    later(producer.close);
    await expectUnavailable(producer);
    proxy.resume();
    await eventually(() => producer.enqueue(request));
    expect(await look(account).getJobCountByTypes()).toBe(1);
  });

  it('says so when the server hangs; what was on its way and the repeat are one job', async () => {
    if ('unavailable' in redis) return;
    const account = newAccount();
    const producer = open(account);
    await producer.enqueue({ ...request, externalId: 'before' });
    await redis.pause();
    await expectUnavailable(producer).finally(redis.resume);
    await eventually(() => producer.enqueue(request));
    expect(await look(account).getJobCountByTypes()).toBe(2);
  });

  it('waits on, since the transfer goes on too', async () => {
    const account = newAccount();
    const { process, end } = endsWhenTold();
    work(account, process);
    const { proxy, producer } = await throughProxy(account);
    const transfer = await producer.enqueue(request);
    await transfer.accepted();
    const finished = transfer.finished();
    proxy.refuse();
    end();
    await eventually(async () => expect(await look(account).getCompletedCount()).toBe(1));
    proxy.resume();
    expect(await finished).toMatchObject({ state: 'succeeded' });
  });

  it('is heard again after an outage in which a wait began', async () => {
    const account = newAccount();
    const { process, end } = endsWhenTold();
    work(account, process);
    const { proxy, producer } = await throughProxy(account);
    const transfer = await producer.enqueue(request);
    proxy.refuse();
    const finished = transfer.finished();
    await eventually(async () => expect(await look(account).getActiveCount()).toBe(1));
    await expectUnavailable(producer);
    proxy.resume();
    await eventually(() => expect(proxy.connections()).toBe(2));
    end();
    await finished;
  });

  it.each([
    ['before a wait', false],
    ['in a wait', true],
  ])('can be closed %s', async (_, waiting) => {
    const { proxy, producer } = await throughProxy(newAccount());
    const transfer = await producer.enqueue(request);
    const ended = waiting ? expect(transfer.finished()).rejects.toThrow('the producer is closed') : undefined;
    if (waiting) await eventually(() => expect(proxy.connections()).toBe(2));
    proxy.refuse();
    await expectUnavailable(producer);
    await producer.close();
    await ended;
    proxy.resume();
    expect(proxy.connections()).toBe(0);
  });

  it('can be closed in a wait at any moment of an attempt to connect', async () => {
    for (const ms of [0, 20, 80, 200, 400]) {
      const { proxy, producer } = await throughProxy(newAccount());
      const transfer = await producer.enqueue(request);
      const ended = expect(transfer.finished()).rejects.toThrow('the producer is closed');
      await eventually(() => expect(proxy.connections()).toBe(2));
      proxy.refuse();
      await setTimeout(ms);
      await producer.close();
      await ended;
      expect(proxy.connections()).toBe(0);
    }
  });

  it('can be closed although it never was there', async () => {
    const proxy = await createTcpProxy({ target: { host: '127.0.0.1', port } });
    later(proxy.close);
    proxy.refuse();
    const producer = createProducer({ account: newAccount(), connection: `redis://127.0.0.1:${proxy.port}` });
    await expectUnavailable(producer);
    await producer.close();
  });
});
