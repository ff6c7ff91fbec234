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

// KPay's paths contain no ids, so they can be names of spans.
const KPAY_PATH = /\/api\/(v1\/payments|wallets)\/[a-z-]+$/;
const LOG_EVERY_MS = 60_000;
// A collector that does not answer must not delay the end of a process.
const LAST_SPANS_WITHIN_MS = 2_000;

/** Loads and starts OpenTelemetry's SDK. Import the modules that it patches only after this. */
export async function openTelemetry(service: string, env: NodeJS.ProcessEnv): Promise<Telemetry> {
  registerHooks();
  const exporter = await createExporter(env);
  const sdk = new NodeSDK({
    ...(isNamed(env) ? {} : { serviceName: service }),
    // The default process detector would send the command line and the user's name.
    ...(env.OTEL_NODE_RESOURCE_DETECTORS ? {} : { resourceDetectors: [envDetector, hostDetector, serviceInstanceIdDetector] }),
    traceExporter: createSafeExporter(exporter, logSeldom(service)),
    // Metrics are for Prometheus, and logs go to standard error, with or without traces.
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [
      new HttpInstrumentation({ ignoreIncomingRequestHook: isNoRequestOfTheApi }),
      new ExpressInstrumentation({ ignoreLayersType: [ExpressLayerType.MIDDLEWARE] }),
      new UndiciInstrumentation({
        requestHook: (span, request) => {
          const [path = ''] = request.path.split('?', 1);
          if (KPAY_PATH.test(path)) span.updateName(`${request.method} ${path}`);
          // KPay gets the same bytes with or without tracing. A trace is our own matter, and baggage belongs to the
          // caller.
          request.addHeader = () => {};
        },
      }),
      // Without a parent span these would be the statements of the sweep and the queue, every second.
      new PgInstrumentation({
        requireParentSpan: true,
        ignoreConnectSpans: true,
        // The instrumentation would name prepared statements by their number.
        requestHook: (span, { query }) => span.updateName(`pg.query:${statementName(query.text)}`),
      }),
      // A command's arguments contain jobs and tokens.
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

/** Logs lost spans at most once a minute. */
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

/** The names of ES modules are bound before any of them runs, so modules are patched while they are loaded. */
function registerHooks(): void {
  if (!supportsSyncHooks()) throw new Error('tracing needs Node 24.11.1 or newer');
  register({ include: ['http', 'node:http', 'https', 'node:https', 'express', 'pg', 'pg-pool', 'ioredis'] });
}

function isNamed(env: NodeJS.ProcessEnv): boolean {
  return Boolean(env.OTEL_SERVICE_NAME) || /(^|,)\s*service\.name\s*=/.test(env.OTEL_RESOURCE_ATTRIBUTES ?? '');
}

/**
 * Whether a request is outside the API. Health, metrics and documents are requested every few seconds, and `kpay up`
 * also receives the requests to its simulated KPay.
 */
function isNoRequestOfTheApi({ url = '' }: IncomingMessage): boolean {
  return !url.startsWith('/v1/');
}
