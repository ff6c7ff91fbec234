import { createTcpProxy, eventually, startRedis } from '@kpay/testkit';
import { UnrecoverableError } from 'bullmq';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createStage, newAccount, request } from '../test/stage.ts';
import { acceptAndSucceed, endsWhenTold } from '../test/stand-in-worker.ts';
import { createProducer } from './index.ts';

const redis = await startRedis();
const url = 'unavailable' in redis ? '' : redis.url;
const port = 'unavailable' in redis ? 0 : redis.port;
const why = 'unavailable' in redis ? ` (${redis.unavailable})` : '';
const { open, work, look, later, close } = createStage(url);
afterEach(close);
afterAll(() => 'unavailable' in redis || redis.stop());

describe.skipIf('unavailable' in redis)(`get()${why}`, () => {
  it('finds a transfer by its externalId, however far it has come, from any producer', async () => {
    const account = newAccount();
    const { process, end } = endsWhenTold();
    const producer = open(account);
    expect(await producer.get('order-1')).toBeUndefined();
    const transfer = await producer.enqueue(request);
    expect(await open(account).get(' order-1 ')).toMatchObject({
      externalId: 'order-1',
      status: 'enqueued',
      moneyMoved: 'unknown',
      transferId: undefined,
    });
    work(account, process);
    await transfer.accepted();
    expect(await producer.get('order-1')).toMatchObject({ status: 'accepted', transferId: 'transfer-of-order-1' });
    end();
    const result = await transfer.finished();
    expect(await open(account).get('order-1')).toEqual({
      externalId: 'order-1',
      status: 'succeeded',
      moneyMoved: 'yes',
      transferId: 'transfer-of-order-1',
      state: undefined,
      reason: undefined,
      reasonCode: undefined,
      result,
    });
    expect(await producer.get('order-2')).toBeUndefined();
  });

  it('tells a transfer that failed from a request that was refused', async () => {
    const account = newAccount();
    const { process, end } = endsWhenTold();
    work(account, (job, token) => {
      if (job.data.externalId === 'refused') throw new UnrecoverableError('account: there is no such account');
      return process(job, token);
    });
    end('cancelled by ann');
    const producer = open(account);
    const failed = await producer.enqueue(request);
    const refused = await producer.enqueue({ ...request, externalId: 'refused' });
    await expect(failed.finished()).rejects.toMatchObject({ code: 'transfer_failed' });
    await expect(refused.finished()).rejects.toMatchObject({ code: 'transfer_failed' });
    expect(await producer.get('order-1')).toMatchObject({
      status: 'failed',
      moneyMoved: 'no',
      reason: 'cancelled by ann',
      reasonCode: 'cancelled',
    });
    expect(await producer.get('refused')).toMatchObject({ status: 'refused', moneyMoved: 'unknown', reason: /^account/ });
  });

  it('finds the first request of an externalId, not one that was refused under it', async () => {
    const account = newAccount();
    const producer = open(account);
    const first = await producer.enqueue(request);
    const second = await producer.enqueue({ ...request, amount: 60_000 });
    work(account, async (job, token) => {
      if (job.data.amount === 60_000) throw new UnrecoverableError('this externalId was already used for a different transfer');
      return acceptAndSucceed(job, token);
    });
    await first.finished();
    await expect(second.finished()).rejects.toMatchObject({ code: 'transfer_failed', transferId: undefined });
    expect(await producer.get('order-1')).toMatchObject({ status: 'succeeded' });
  });

  it('finds the corrected request after a refused one, and not the refused one', async () => {
    const account = newAccount();
    const producer = open(account);
    work(account, async (job, token) => {
      if (job.data.amount === 5) throw new UnrecoverableError('amount: must be from 100 to 10000000 XAF');
      return acceptAndSucceed(job, token);
    });
    const wrong = await producer.enqueue({ ...request, amount: 5 });
    await expect(wrong.finished()).rejects.toMatchObject({ reason: /^amount/ });
    const right = await producer.enqueue(request);
    await right.finished();
    expect(await producer.get('order-1')).toMatchObject({ status: 'succeeded' });
    expect(await look(account).getJobCountByTypes()).toBe(1);
    await expect(wrong.finished()).rejects.toMatchObject({ code: 'job_removed' });
  });

  it('says within two seconds that Redis is away', async () => {
    const proxy = await createTcpProxy({ target: { host: '127.0.0.1', port } });
    later(proxy.close);
    const producer = createProducer({ account: newAccount(), connection: `redis://127.0.0.1:${proxy.port}` });
    later(producer.close);
    await producer.enqueue(request);
    proxy.drop();
    const startedAt = performance.now();
    await expect(producer.get('order-1')).rejects.toMatchObject({ code: 'unavailable', externalId: 'order-1' });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    proxy.resume();
    await eventually(async () => expect(await producer.get('order-1')).toMatchObject({ status: 'enqueued' }));
  });
});

describe.skipIf('unavailable' in redis)(`a wait${why}`, () => {
  it('refuses options that are mistyped, and an abort is an AbortError', async () => {
    const transfer = await open(newAccount()).enqueue(request);
    for (const wait of [transfer.accepted, transfer.finished] as ((...all: unknown[]) => Promise<unknown>)[]) {
      for (const [argument, options] of [
        ['options', null],
        ['options', 5_000],
        ['options.timeout', { timeout: 5_000 }],
        ['options.timeoutMs', { timeoutMs: '5000' }],
        ['options.timeoutMs', { timeoutMs: -1 }],
        ['options.signal', { signal: new AbortController() }],
      ]) {
        await expect(wait(options)).rejects.toMatchObject({ name: 'InvalidArgumentError', argument });
      }
      await expect(wait({}, 5)).rejects.toThrow('takes one object of options and no further argument');
      const reason = new Error('shutting down');
      const aborted = wait({ signal: AbortSignal.abort(reason) });
      await expect(aborted).rejects.toMatchObject({ name: 'AbortError', code: 'aborted', externalId: 'order-1', cause: reason });
    }
  });
});
