import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createSimulator } from '@kpay/simulator';
import { temporaryFolder } from '@kpay/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { recordTraffic } from './record-traffic.ts';
import { adminToken, runKpay, settingsFor, startKpay } from './start-kpay.ts';
import { startTraceReceiver } from './trace-receiver.ts';
import { expectWholeStory, liveThrough } from './transfer-story.ts';

const TEST_TIMEOUT_MS = 90_000;

describe('kpay up', { timeout: TEST_TIMEOUT_MS }, () => {
  it('without OTEL_* settings loads nothing of OpenTelemetry but its API', async () => {
    const folder = temporaryFolder();
    onTestFinished(folder.remove);
    const modules = join(folder.path, 'modules');
    const preload = fileURLToPath(new URL('./record-modules.ts', import.meta.url));
    const kpay = await startKpay({
      KPAY_DATA_DIR: join(folder.path, 'data'),
      NODE_OPTIONS: `--import=${preload}`,
      RECORD_MODULES_IN: modules,
    });
    await kpay.end('SIGTERM');
    const loaded = readFileSync(modules, 'utf8').split('\n');
    expect(loaded).toEqual(expect.arrayContaining(['@opentelemetry/api', 'bullmq', 'express', 'pg', 'undici']));
    const ofTelemetry = /opentelemetry|import-in-the-middle|require-in-the-middle|bullmq-otel|protobuf|grpc/;
    expect(loaded.filter((name) => ofTelemetry.test(name))).toEqual(['@opentelemetry/api']);
  });

  it('shows a transfer that was held, lost its answer and then succeeded as one trace', async () => {
    const receiver = await startTraceReceiver();
    onTestFinished(receiver.close);
    const folder = temporaryFolder();
    onTestFinished(folder.remove);
    const simulator = await createSimulator({ port: 0 });
    onTestFinished(() => simulator.close());
    const kpayHears = await recordTraffic(simulator.url);
    onTestFinished(kpayHears.close);
    const kpay = await startKpay({
      ...settingsFor(kpayHears, folder.path),
      KPAY_OBSERVE_BALANCE_SECONDS: '1',
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    });
    const id = await liveThrough(kpay.apiUrl, simulator, { kind: 'drop', when: 'before' });

    // A problem names its trace, and what stands in the address is not in it.
    const headers = { authorization: `Bearer ${adminToken}` };
    const refused = await fetch(`${kpay.apiUrl}/v1/transfers?limit=many&externalId=237670000002`, { headers });
    const { traceId } = (await refused.json()) as { traceId?: string };

    expect(await kpay.end('SIGTERM')).toMatchObject({ code: 0 });
    expectWholeStory(receiver, id, { api: 'kpay', worker: 'kpay', lostBy: 'connection_lost' });
    const told = Buffer.from(traceId ?? '', 'hex').toString('base64');
    expect(receiver.spans.filter((span) => span.traceId === told).map(({ name }) => name)).toContain('GET /v1/transfers');
    expect(receiver.everything()).not.toContain('237670000002');
    // KPay learns nothing of it.
    expect(kpayHears.sent()).toMatch(/^POST \/api\/wallets\/transfer/m);
    expect(kpayHears.sent()).not.toMatch(/traceparent|tracestate|baggage/i);
  });

  it.each([
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, 'kpay: OTEL_TRACES_EXPORTER must be otlp or none, it is zipkin'],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_EXPORTER_OTLP_PROTOCOL: 'thrift' },
      'kpay: OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf, http/json, grpc, it is thrift',
    ],
  ])('says in one line that it cannot follow %o', async (settings, line) => {
    const kpay = runKpay(['up'], settings as Record<string, string>);
    expect((await kpay.ended).code).toBe(1);
    expect(kpay.stderr()).toBe(`${line}\n`);
  });
});
