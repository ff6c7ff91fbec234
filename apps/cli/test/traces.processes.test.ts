import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createSimulator } from '@kpay/simulator';
import { eventually, temporaryFolder } from '@kpay/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { getTransfer, postTransfer } from './ask-api.ts';
import { recordTraffic } from './record-traffic.ts';
import { adminToken, runKpay, settingsFor, startKpay } from './start-kpay.ts';
import { startTraceReceiver } from './trace-receiver.ts';
import { expectWholeStory, liveThrough } from './transfer-story.ts';

const TEST_TIMEOUT_MS = 90_000;

/** The traces in the exemplars of histograms, by the address of each histogram. */
async function exemplarsOf(histograms: Record<string, string>): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const [name, url] of Object.entries(histograms)) {
    const answer = await fetch(`${url}/metrics`, { headers: { accept: 'application/openmetrics-text; version=1.0.0' } });
    const lines = (await answer.text()).split('\n').filter((line) => line.startsWith(`${name}_bucket{`));
    found.set(
      name,
      lines.flatMap((line) => /# \{trace_id="([0-9a-f]{32})",span_id="[0-9a-f]{16}"\} [\d.e-]+ [\d.]+$/.exec(line)?.[1] ?? []),
    );
  }
  return found;
}

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
    const exemplars = await exemplarsOf({
      kpay_http_request_duration_seconds: kpay.apiUrl,
      kpay_transfer_duration_seconds: kpay.workerUrl,
      kpay_api_request_duration_seconds: kpay.exporterUrl,
    });

    expect(await kpay.end('SIGTERM')).toMatchObject({ code: 0 });
    expectWholeStory(receiver, id, { api: 'kpay', worker: 'kpay', lostBy: 'connection_lost' });
    // The exemplars of the duration histograms lead to it.
    const request = receiver.spans.find(({ name }) => name === 'POST /v1/transfers');
    for (const [metric, traces] of exemplars) {
      expect(traces, metric).toContain(Buffer.from(request?.traceId ?? '', 'base64').toString('hex'));
    }
    const told = Buffer.from(traceId ?? '', 'hex').toString('base64');
    expect(receiver.spans.filter((span) => span.traceId === told).map(({ name }) => name)).toContain('GET /v1/transfers');
    expect(receiver.everything()).not.toContain('237670000002');
    // KPay gets no trace header.
    expect(kpayHears.sent()).toMatch(/^POST \/api\/wallets\/transfer/m);
    expect(kpayHears.sent()).not.toMatch(/traceparent|tracestate|baggage/i);
  });

  it.each(['http/json', 'grpc'] as const)('sends the same by %s', async (protocol) => {
    const receiver = await startTraceReceiver(protocol);
    onTestFinished(receiver.close);
    const folder = temporaryFolder();
    onTestFinished(folder.remove);
    const kpay = await startKpay({
      KPAY_DATA_DIR: folder.path,
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    });
    const order = { externalId: 'traced', sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 50_000 };
    const { id } = await postTransfer(kpay.apiUrl, order);
    await eventually(async () => expect((await getTransfer(kpay.apiUrl, id)).state).toBe('succeeded'), { timeoutMs: 30_000 });
    expect(await kpay.end('SIGTERM')).toMatchObject({ code: 0 });
    const request = receiver.spans.find(({ name }) => name === 'POST /v1/transfers');
    const names = receiver.spans.filter(({ traceId }) => traceId === request?.traceId).map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['pg.query:INSERT kpay.transfers', 'advance transfer', 'POST /api/wallets/transfer']),
    );
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
