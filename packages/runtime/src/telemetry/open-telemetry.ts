import type { IncomingMessage } from 'node:http';
import { ExpressInstrumentation, ExpressLayerType } from '@opentelemetry/instrumentation-express';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { IORedisInstrumentation } from '@opentelemetry/instrumentation-ioredis';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { envDetector, hostDetector, serviceInstanceIdDetector } from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { register, supportsSyncHooks } from 'import-in-the-middle/register-hooks.mjs';
import { createLogger } from '../logging/logger.ts';
import { endsWithin } from '../process/ends-within.ts';
import { createExporter } from './create-exporter.ts';
import { createQueueTelemetry } from './queue-telemetry.ts';
import { createSafeExporter } from './safe-exporter.ts';
import type { Telemetry } from './start-telemetry.ts';
import { statementName } from './statement-name.ts';

// KPay's paths carry no ids, so that they can name spans.
const KPAY_PATH = /\/api\/(v1\/payments|wallets)\/[a-z-]+$/;
const LOG_EVERY_MS = 60_000;
// A collector that does not answer must not hold the end of a process up.
const LAST_SPANS_WITHIN_MS = 2_000;

/** Loads and starts OpenTelemetry's SDK. What it patches must be imported after this. */
export async function openTelemetry(service: string, env: NodeJS.ProcessEnv): Promise<Telemetry> {
  registerHooks();
  const exporter = await createExporter(env);
  const sdk = new NodeSDK({
    ...(isNamed(env) ? {} : { serviceName: service }),
    // The process' own detector would tell the command line and the user's name.
    ...(env.OTEL_NODE_RESOURCE_DETECTORS ? {} : { resourceDetectors: [envDetector, hostDetector, serviceInstanceIdDetector] }),
    traceExporter: createSafeExporter(exporter, logSeldom(service)),
    // Metrics are Prometheus' and logs go to standard error, traced or not.
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [
      new HttpInstrumentation({ ignoreIncomingRequestHook: isNoRequestOfTheApi }),
      new ExpressInstrumentation({ ignoreLayersType: [ExpressLayerType.MIDDLEWARE] }),
      new UndiciInstrumentation({
        requestHook: (span, request) => {
          const [path = ''] = request.path.split('?', 1);
          if (KPAY_PATH.test(path)) span.updateName(`${request.method} ${path}`);
          // KPay gets the same bytes, traced or not: a trace is ours, and what came with it (baggage) a caller's.
          request.addHeader = () => {};
        },
      }),
      // Without a parent they would be the sweep's and the queue's, each second.
      new PgInstrumentation({
        requireParentSpan: true,
        ignoreConnectSpans: true,
        // It would call prepared statements by their number.
        requestHook: (span, { query }) => span.updateName(`pg.query:${statementName(query.text)}`),
      }),
      // A command's arguments hold jobs and tokens.
      new IORedisInstrumentation({ requireParentSpan: true, dbStatementSerializer: (command) => command }),
    ],
  });
  sdk.start();
  return {
    queues: createQueueTelemetry(),
    async stop() {
      await endsWithin(LAST_SPANS_WITHIN_MS, sdk.shutdown()).catch(() => {});
    },
  };
}

/** A collector that is away is worth a line, and not one every few seconds. */
function logSeldom(service: string): (spans: number, error: Error | undefined) => void {
  const logger = createLogger({ name: service });
  let lost = 0;
  let loggedAtMs = Number.NEGATIVE_INFINITY;
  return (spans, err) => {
    lost += spans;
    if (performance.now() < loggedAtMs + LOG_EVERY_MS) return;
    logger.warn({ err, spans: lost }, 'the collector does not take spans: these are lost');
    lost = 0;
    loggedAtMs = performance.now();
  };
}

/** ES modules are bound before any of them runs, so they are patched while they are loaded. */
function registerHooks(): void {
  if (!supportsSyncHooks()) throw new Error('tracing needs Node 24.11.1 or newer');
  register({ include: ['http', 'node:http', 'https', 'node:https', 'express', 'pg', 'pg-pool', 'ioredis'] });
}

function isNamed(env: NodeJS.ProcessEnv): boolean {
  return Boolean(env.OTEL_SERVICE_NAME) || /(^|,)\s*service\.name\s*=/.test(env.OTEL_RESOURCE_ATTRIBUTES ?? '');
}

/** Health, metrics and documents are asked for every few seconds; `kpay up` hears the requests to its simulated KPay too. */
function isNoRequestOfTheApi({ url = '' }: IncomingMessage): boolean {
  return !url.startsWith('/v1/');
}
