import { startRedis } from '@kpay/testkit';
import { Queue, QueueEvents, UnrecoverableError } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createStage, newAccount, request } from '../test/stage.ts';
import { acceptAndSucceed, endsWhenTold } from '../test/stand-in-worker.ts';
import { createProducer, JobRemovedError, TransferFailedError, WaitTimedOutError } from './index.ts';

const redis = await startRedis();
const url = 'unavailable' in redis ? '' : redis.url;
const why = 'unavailable' in redis ? ` (${redis.unavailable})` : '';
const { open, work, look, later, close } = createStage(url);
afterEach(close);
afterAll(() => 'unavailable' in redis || redis.stop());

describe.skipIf('unavailable' in redis)(`a producer${why}`, () => {
  it('tells when a transfer is accepted, and later how it ended', async () => {
    const account = newAccount();
    const { process, end } = endsWhenTold();
    work(account, process);
    const transfer = await open(account).enqueue(request);
    expect(await transfer.accepted()).toEqual({ transferId: 'transfer-of-order-1' });
    const finished = transfer.finished();
    end();
    expect(await finished).toMatchObject({ transferId: 'transfer-of-order-1', state: 'succeeded', kpayTransferId: 'kpay-1' });
  });

  it('learns of it from events, far sooner than by looking now and then', async () => {
    const account = newAccount();
    let end = () => {};
    work(account, async (job, token) => {
      const told = Promise.withResolvers<void>();
      end = told.resolve;
      const result = await acceptAndSucceed(job, token);
      await told.promise;
      return result;
    });
    const producer = open(account);
    const startedAt = performance.now();
    for (let n = 0; n < 20; n++) {
      const transfer = await producer.enqueue({ ...request, externalId: `order-${n}` });
      await transfer.accepted();
      const finished = transfer.finished();
      end();
      await finished;
    }
    // Looking alone, the 20 ends would take a quarter of a second each.
    expect(performance.now() - startedAt).toBeLessThan(2_500);
  });

  it('sees an end whose event was missed, before it asked and while it waits', async () => {
    const account = newAccount();
    const { process, end } = endsWhenTold();
    work(account, process);
    const connection = new Redis(url, { maxRetriesPerRequest: null });
    later(() => connection.disconnect());
    const producer = createProducer({
      account,
      queues: {
        queue: (name, options) => new Queue(name, { ...options, connection }),
        queueEvents: (_, options) => new QueueEvents('where-nothing-happens', { ...options, connection }),
      },
    });
    later(producer.close);
    const transfer = await producer.enqueue(request);
    const finished = transfer.finished();
    await transfer.accepted();
    end();
    expect(await finished).toMatchObject({ state: 'succeeded' });
    expect(await transfer.finished({ timeoutMs: 1_000 })).toMatchObject({ state: 'succeeded' });
    expect(await transfer.accepted({ timeoutMs: 1_000 })).toEqual({ transferId: 'transfer-of-order-1' });
  });

  it('says why a transfer failed, and whether it had been recorded', async () => {
    const account = newAccount();
    const { process, end } = endsWhenTold();
    end('cancelled by ann');
    work(account, process);
    const transfer = await open(account).enqueue(request);
    const failure = await transfer.finished().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TransferFailedError);
    expect(failure).toMatchObject({
      externalId: 'order-1',
      reason: 'cancelled by ann',
      reasonCode: 'cancelled',
      transferId: 'transfer-of-order-1',
    });
    expect(await transfer.accepted()).toEqual({ transferId: 'transfer-of-order-1' });
  });

  it('says why a transfer was refused', async () => {
    const account = newAccount();
    work(account, async () => {
      throw new UnrecoverableError('amount: must be from 100 to 10000000 XAF');
    });
    const transfer = await open(account).enqueue(request);
    for (const wait of [transfer.accepted, transfer.finished]) {
      await expect(wait()).rejects.toMatchObject({ name: 'TransferFailedError', reason: /^amount/, transferId: undefined });
    }
  });

  it('tells a removed job, a timeout and an abort apart from a failure', async () => {
    const account = newAccount();
    const transfer = await open(account).enqueue(request);
    const finished = transfer.finished();
    await expect(transfer.finished({ timeoutMs: 50 })).rejects.toThrow(WaitTimedOutError);
    const abort = new AbortController();
    const aborted = expect(transfer.accepted({ signal: abort.signal })).rejects.toThrow('shutting down');
    abort.abort(new Error('shutting down'));
    await aborted;
    await look(account).remove(transfer.jobId);
    await expect(finished).rejects.toThrow(JobRemovedError);
  });

  it('ends its waits when it is closed, and takes nothing more', async () => {
    const producer = open(newAccount());
    const transfer = await producer.enqueue(request);
    const ended = expect(transfer.finished()).rejects.toThrow('the producer is closed');
    await producer.close();
    await ended;
    await expect(transfer.accepted()).rejects.toThrow('the producer is closed');
    await expect(producer.enqueue(request)).rejects.toThrow('the producer is closed');
  });
});
