import { queuePrefix, TRANSFER_JOB, type TransferJobData, transferQueueName } from '@kpay/producer';
import { createTcpProxy, eventually, testServerUrls } from '@kpay/testkit';
import { Queue } from 'bullmq';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listTransfers } from './ask-api.ts';
import { openProductionStage } from './production-stage.ts';
import { startApp } from './start-app.ts';

const JOBS = 700;
// The average round trip. 500 of them in a row take longer than a job's lock lasts.
const ROUND_TRIP_MS = 14;
const HOUR_MS = 3_600_000;

describe.skipIf(!testServerUrls())('a worker that is slow to reach its Redis', () => {
  it('loses none of a backlog of jobs while it fetches others', { timeout: 180_000 }, async () => {
    const { settings, redisUrl: url } = await openProductionStage();
    const redisUrl = new URL(url);
    const target = { host: redisUrl.hostname, port: Number(redisUrl.port) };
    const queue = new Queue<TransferJobData>(transferQueueName('default'), {
      connection: { ...target, db: Number(redisUrl.pathname.slice(1)) },
      prefix: queuePrefix('default'),
    });
    onTestFinished(() => queue.close());
    const slow = await createTcpProxy({ target, jitterMs: ROUND_TRIP_MS });
    onTestFinished(slow.close);

    // Their transfers are not sent yet, so each job is accepted and put aside.
    const notBefore = new Date(Date.now() + HOUR_MS).toISOString();
    const order = { sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 50_000, notBefore };
    await queue.addBulk(
      Array.from({ length: JOBS }, (_, n) => ({ name: TRANSFER_JOB, data: { ...order, externalId: `waits-${n}` } })),
    );
    const api = await startApp('admin-api', settings);
    onTestFinished(async () => void (await api.end('SIGKILL')));
    const slowUrl = new URL(redisUrl);
    slowUrl.host = `127.0.0.1:${slow.port}`;
    const worker = await startApp('worker', { ...settings, REDIS_URL: slowUrl.toString() });
    onTestFinished(async () => void (await worker.end('SIGKILL')));

    await eventually(async () => expect(await queue.getJobCounts()).toMatchObject({ delayed: JOBS }), {
      timeoutMs: 120_000,
      everyMs: 200,
    });
    expect(await listTransfers(api.url)).toHaveLength(JOBS);
    const jobs = await queue.getJobs(['delayed']);
    expect(jobs.filter(({ stalledCounter }) => stalledCounter > 0).map(({ data }) => data.externalId)).toEqual([]);
    for (const each of [worker, api]) expect(await each.end('SIGTERM')).toBe(0);
  });
});
