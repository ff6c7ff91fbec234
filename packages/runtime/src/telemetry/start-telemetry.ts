import type { Telemetry as QueueTelemetry } from 'bullmq';
import { StartError } from '../start-error.ts';

/** What runs while a process is traced. */
export interface Telemetry {
  queues: QueueTelemetry;
  /** Sends what is not sent yet. It never throws, and gives up after a while. */
  stop(): Promise<void>;
}

// Of the process, as OpenTelemetry itself is: what it instruments is patched for all.
let running: Telemetry | undefined;

/**
 * Traces this process by OpenTelemetry when its OTEL_* settings ask for it; without them nothing of it is loaded.
 *
 * Call it before anything else is imported: what is loaded already (Express, pg, ioredis, node:http) stays unseen.
 *
 * A setting that cannot be followed ends the process with one line.
 *
 * @param service what the process calls itself unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES says.
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

/** Sends the last spans. Does nothing when nothing is traced. */
export async function stopTelemetry(): Promise<void> {
  await running?.stop();
}

/** What BullMQ's queues and workers are given; undefined when nothing is traced. */
export function queueTelemetry(): QueueTelemetry | undefined {
  return running?.queues;
}

/** Without an address OpenTelemetry would try localhost; nobody who did not ask shall be slowed by that. */
function isAskedFor(env: NodeJS.ProcessEnv): boolean {
  if (env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true') return false;
  const exporters = env.OTEL_TRACES_EXPORTER?.trim() ?? '';
  if (exporters !== '') return exporters !== 'none';
  return [env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, env.OTEL_EXPORTER_OTLP_ENDPOINT].some((url) => url?.trim());
}
