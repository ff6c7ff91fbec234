import { startRedis } from '@kpay/testkit';
import type { Job, Telemetry } from 'bullmq';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createStage, newAccount, request } from '../test/stage.ts';
import { acceptAndSucceed } from '../test/stand-in-worker.ts';
import { createProducer, InvalidTransferRequestError } from './index.ts';

const redis = await startRedis();
const url = 'unavailable' in redis ? '' : redis.url;
const port = 'unavailable' in redis ? 0 : redis.port;
const why = 'unavailable' in redis ? ` (${redis.unavailable})` : '';
const { open, work, look, later, close } = createStage(url);
afterEach(close);
afterAll(() => 'unavailable' in redis || redis.stop());

describe.skipIf('unavailable' in redis)(`enqueueing${why}`, () => {
  it('gives one job to one request, and after its removal a new job for the transfer', async () => {
    const account = newAccount();
    const producer = open(account);
    const first = await producer.enqueue(request);
    const otherwiseWritten = Object.fromEntries(
      Object.entries({ ...request, sourceCountry: ' cmr' }).reverse(),
    ) as typeof request;
    expect((await producer.enqueue(otherwiseWritten)).jobId).toBe(first.jobId);
    expect(await look(account).getJobCountByTypes()).toBe(1);
    await look(account).remove(first.jobId);
    work(account);
    const again = await producer.enqueue(request);
    expect(await again.accepted()).toEqual({ transferId: 'transfer-of-order-1' });
  });

  it('takes any number of requests at once while it connects, without a warning', async () => {
    const warnings: string[] = [];
    const hear = (warning: Error) => warnings.push(String(warning));
    process.on('warning', hear);
    later(() => process.off('warning', hear));
    const account = newAccount();
    const producer = open(account);
    const requests = Array.from({ length: 50 }, (_, n) => ({ ...request, externalId: `at-once-${n}` }));
    await Promise.all(requests.map((each) => producer.enqueue(each)));
    expect(await look(account).getJobCountByTypes()).toBe(50);
    expect(warnings).toEqual([]);
  });

  it('never passes one request off as another: the worker refuses the second', async () => {
    const account = newAccount();
    const producer = open(account);
    const first = await producer.enqueue(request);
    const second = await producer.enqueue({ ...request, amount: 60_000 });
    expect(second.jobId).not.toBe(first.jobId);
    expect((await look(account).getJob(second.jobId))?.data).toMatchObject({ externalId: 'order-1', amount: 60_000 });
  });

  it('writes an externalId where there is none, and tells it', async () => {
    const account = newAccount();
    const { externalId: _, ...anonymous } = request;
    const { externalId, jobId } = await open(account).enqueue(anonymous);
    expect(externalId).toMatch(/^[0-9a-f-]{36}$/);
    expect((await look(account).getJob(jobId))?.data.externalId).toBe(externalId);
  });

  it('keeps up to 5,000 finished jobs for a day, tries once, puts urgent ones first', async () => {
    const account = newAccount();
    const { jobId } = await open(account).enqueue({ ...request, priority: 9 });
    expect((await look(account).getJob(jobId))?.opts).toMatchObject({
      attempts: 1,
      priority: 1,
      removeOnComplete: { age: 86_400, count: 5_000 },
      removeOnFail: { age: 86_400, count: 5_000 },
    });
  });

  it('refuses what can never be accepted, names the field and enqueues nothing', async () => {
    const account = newAccount();
    const producer = open(account);
    // @ts-expect-error -- a misspelt field does not compile
    const misspelt = producer.enqueue({ ...request, minrate: '1' });
    await expect(misspelt).rejects.toThrow(new InvalidTransferRequestError('minrate', 'is not a field of a transfer'));
    // @ts-expect-error -- nor does a missing one
    await expect(producer.enqueue({ externalId: 'order-1' })).rejects.toMatchObject({ field: 'sourceCountry' });
    // @ts-expect-error -- nor a bigint, which JSON cannot carry
    await expect(producer.enqueue({ ...request, amount: 50_000n })).rejects.toMatchObject({ field: 'amount' });
    await expect(producer.enqueue({ ...request, metadata: { team: '\0' } })).rejects.toMatchObject({ field: 'metadata.team' });
    expect(await look(account).getJobCountByTypes()).toBe(0);
  });

  it('carries the trace of its caller in the job', async () => {
    const account = newAccount();
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const span = {
      setSpanOnContext: (context: unknown) => context,
      setAttribute: () => {},
      setAttributes: () => {},
      addEvent: () => {},
      recordException: () => {},
      end: () => {},
    };
    const telemetry: Telemetry<{ traceparent: string }> = {
      tracer: { startSpan: () => span },
      contextManager: {
        with: (_, call) => call(),
        active: () => ({ traceparent }),
        getMetadata: (context) => JSON.stringify(context),
        fromMetadata: (_, metadata) => JSON.parse(metadata),
      },
    };
    const producer = createProducer({ account, connection: url, telemetry });
    later(producer.close);
    const seen = Promise.withResolvers<Job>();
    work(account, async (job, token) => {
      seen.resolve(job);
      return acceptAndSucceed(job, token);
    });
    await producer.enqueue(request);
    expect(JSON.parse((await seen.promise).opts.telemetry?.metadata ?? '{}')).toEqual({ traceparent });
  });

  it.each([
    ['6', () => new Redis(url, { keyPrefix: 'theirs:' })],
    ['5', () => new Redis5(url, { keyPrefix: 'theirs:' })],
  ])('takes options or a client of ioredis %s, and leaves that client alone', async (_, connect) => {
    const account = newAccount();
    const client = connect();
    later(() => client.disconnect());
    work(account);
    for (const connection of [{ host: '127.0.0.1', port }, client]) {
      const producer = createProducer({ account, connection });
      const transfer = await producer.enqueue(request);
      expect(await transfer.finished()).toMatchObject({ state: 'succeeded' });
      expect(await producer.get('order-1')).toMatchObject({ status: 'succeeded' });
      await producer.close();
    }
    expect(await look(account).getJobCountByTypes()).toBe(1);
    expect(await client.ping()).toBe('PONG');
  });
});
