import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Simulator } from '@kpay/simulator';
import { machineEnv, testServerUrls } from '@kpay/testkit';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openProductionStage } from './production-stage.ts';
import { type AppProcess, startApp } from './start-app.ts';
import { startTraceReceiver, type TraceReceiver } from './trace-receiver.ts';
import { expectWholeStory, liveThrough } from './transfer-story.ts';

const TEST_TIMEOUT_MS = 180_000;

interface Stage {
  receiver: TraceReceiver;
  simulator: Simulator;
  settings: Record<string, string>;
  redisUrl: string;
  worker: AppProcess;
}

async function openStage(): Promise<Stage> {
  const receiver = await startTraceReceiver();
  onTestFinished(receiver.close);
  const { simulator, redisUrl, settings: stores } = await openProductionStage();
  const settings = { ...stores, KPAY_OBSERVE_BALANCE_SECONDS: '1', OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url };
  return { receiver, simulator, settings, redisUrl, worker: await openApp('worker', settings) };
}

async function openApp(app: 'worker' | 'admin-api', settings: Record<string, string>): Promise<AppProcess> {
  const running = await startApp(app, settings);
  onTestFinished(async () => void (await running.end('SIGKILL')));
  return running;
}

describe.skipIf(!testServerUrls())('processes on one Postgres and one Redis', { timeout: TEST_TIMEOUT_MS }, () => {
  it('show one trace of a transfer held over a wiped queue, timed out, then succeeded', async () => {
    const { receiver, simulator, settings, redisUrl, worker } = await openStage();
    const api = await openApp('admin-api', settings);
    const wipe = async () => {
      const redis = new Redis(redisUrl);
      await redis.flushdb();
      redis.disconnect();
    };
    const id = await liveThrough(api.url, simulator, { kind: 'hang', when: 'before' }, wipe);
    expect(await worker.end('SIGTERM')).toBe(0);
    expect(await api.end('SIGTERM')).toBe(0);
    expectWholeStory(receiver, id, { api: 'kpay-admin-api', worker: 'kpay-worker', lostBy: 'timeout' });
    // Who reads the log finds the trace.
    const lines = worker.stderr().trim().split('\n');
    const told = lines
      .map((line) => JSON.parse(line))
      .find(({ transferId, answer }) => transferId === id && answer === 'unknown');
    const request = receiver.spans.find(({ name }) => name === 'POST /v1/transfers');
    expect(Buffer.from(told.trace_id, 'hex').toString('base64')).toBe(request?.traceId);
    const commands = receiver.spans.filter(({ attributes }) => attributes['db.system.name'] === 'redis');
    expect(commands.length).toBeGreaterThan(0);
  });

  it('go on in the trace of the service that enqueues, by our producer or by BullMQ', async () => {
    const { receiver, settings, redisUrl, worker } = await openStage();
    const script = fileURLToPath(new URL('./enqueue-traced.ts', import.meta.url));
    const env = {
      ...machineEnv(),
      REDIS_URL: redisUrl,
      OTEL_EXPORTER_OTLP_ENDPOINT: settings.OTEL_EXPORTER_OTLP_ENDPOINT,
    };
    await promisify(execFile)(process.execPath, ['--conditions=@kpay/source', script], { env });
    expect(await worker.end('SIGTERM')).toBe(0);

    const [begin] = receiver.spans.filter(({ name }) => name === 'pay out');
    const trace = receiver.spans.filter(({ traceId }) => traceId === begin?.traceId);
    const parentOf = ({ parentId }: { parentId: string }) => trace.find(({ spanId }) => spanId === parentId);
    const accepted = trace.filter(
      (span) => span.name === 'process kpay-transfers-default' && span.attributes['kpay.transfer.id'],
    );
    expect(new Set(accepted.map(({ attributes }) => attributes['kpay.transfer.id'])).size).toBe(2);
    expect(accepted.map((job) => `${parentOf(job)?.service} ${parentOf(job)?.name}`).sort()).toEqual([
      'a-service add kpay-transfers-default.transfer',
      'a-service pay out',
    ]);
    for (const job of accepted) {
      const step = trace.find(
        ({ name, attributes }) =>
          name === 'advance transfer' && attributes['kpay.transfer.id'] === job.attributes['kpay.transfer.id'],
      );
      expect(step).toMatchObject({ service: 'kpay-worker', attributes: { 'kpay.transfer.state': 'succeeded' } });
    }
    expect(trace.filter(({ name }) => name === 'POST /api/wallets/transfer')).toHaveLength(2);
  });
});
