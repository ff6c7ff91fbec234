import type { NodeSDKConfiguration } from '@opentelemetry/sdk-node';
import { StartError } from '../start-error.ts';

export type SpanExporter = NodeSDKConfiguration['traceExporter'];
export type ReadableSpan = Parameters<SpanExporter['export']>[0][number];

const PROTOCOLS: Record<string, () => Promise<SpanExporter>> = {
  'http/protobuf': async () => new (await import('@opentelemetry/exporter-trace-otlp-proto')).OTLPTraceExporter(),
  'http/json': async () => new (await import('@opentelemetry/exporter-trace-otlp-http')).OTLPTraceExporter(),
  grpc: async () => new (await import('@opentelemetry/exporter-trace-otlp-grpc')).OTLPTraceExporter(),
};

/**
 * Makes the exporter that OTEL_TRACES_EXPORTER and OTEL_EXPORTER_OTLP_*_PROTOCOL name. It reads its address and headers
 * from the environment itself.
 *
 * @throws StartError naming the setting.
 */
export async function createExporter(env: NodeJS.ProcessEnv): Promise<SpanExporter> {
  const exporter = env.OTEL_TRACES_EXPORTER?.trim() || 'otlp';
  if (exporter !== 'otlp') throw new StartError(`OTEL_TRACES_EXPORTER must be otlp or none, it is ${exporter}`);
  const setting = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'].find((name) => env[name]?.trim());
  const protocol = (setting !== undefined && env[setting]?.trim()) || 'http/protobuf';
  const create = Object.hasOwn(PROTOCOLS, protocol) ? PROTOCOLS[protocol] : undefined;
  if (!create) throw new StartError(`${setting} must be ${Object.keys(PROTOCOLS).join(', ')}, it is ${protocol}`);
  return create();
}
