import type { Telemetry as QueueTelemetry } from 'bullmq';
import { StartError } from '../start-error.ts';

/** The telemetry of a traced process. */
export interface Telemetry {
  queues: QueueTelemetry;
  /** Sends the remaining spans. It never throws, and gives up after a while. */
  stop(): Promise<void>;
}

// One for the process, as OpenTelemetry itself: the modules that it patches are patched for all code.
let running: Telemetry | undefined;

/**
 * Traces this process with OpenTelemetry when its OTEL_* settings ask for it. Without them, nothing of it is loaded.
 *
 * Call it before anything else is imported. A module that is loaded earlier (Express, pg, ioredis, node:http) is not
 * traced.
 *
 * A setting that cannot be followed ends the process with one line.
 *
 * @param service the process's name unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES sets one.
 */
export async function startTelemetry(service: string, env: NodeJS.ProcessEnv): Promise<void> {
  if (!isAskedFor(env)) return;
  try {
    const { openTelemetry } = await import('./open-telemetry.ts');
    running = await openTelemetry(service, env);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    process.stderr.write(`${service}: ${error.message}\n`);
    process.exit(1);
  }
}

/** Sends the last spans. It does nothing when the process is not traced. */
export async function stopTelemetry(): Promise<void> {
  await running?.stop();
}

/** The telemetry for BullMQ's queues and workers; undefined when the process is not traced. */
export function queueTelemetry(): QueueTelemetry | undefined {
  return running?.queues;
}

/**
 * Whether tracing was requested. Without an address OpenTelemetry would try localhost, which would slow down everybody
 * else.
 */
function isAskedFor(env: NodeJS.ProcessEnv): boolean {
  if (env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true') return false;
  const exporters = env.OTEL_TRACES_EXPORTER?.trim() ?? '';
  if (exporters !== '') return exporters !== 'none';
  return [env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, env.OTEL_EXPORTER_OTLP_ENDPOINT].some((url) => url?.trim());
}
