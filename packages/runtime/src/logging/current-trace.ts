import { TraceFlags, trace } from '@opentelemetry/api';

/** The ids of the current trace and span, named as in log lines. */
export interface CurrentTrace {
  trace_id: string;
  span_id: string;
}

/** The current trace and span. Undefined when nothing is traced, or when the trace is not sampled. */
export function currentTrace(): CurrentTrace | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  if (!span || (span.traceFlags & TraceFlags.SAMPLED) === 0) return undefined;
  return { trace_id: span.traceId, span_id: span.spanId };
}

/** The id of the current trace, 32 hexadecimal digits, for exemplars and answers; undefined when nothing is traced. */
export function currentTraceId(): string | undefined {
  return currentTrace()?.trace_id;
}
