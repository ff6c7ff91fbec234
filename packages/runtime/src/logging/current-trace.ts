import { TraceFlags, trace } from '@opentelemetry/api';

/** The ids of a trace and of the step in it that runs now, as they stand in log lines. */
export interface CurrentTrace {
  trace_id: string;
  span_id: string;
}

/** What runs now, when it is traced and the trace is kept (sampled); undefined otherwise, and always when tracing is off. */
export function currentTrace(): CurrentTrace | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  if (!span || (span.traceFlags & TraceFlags.SAMPLED) === 0) return undefined;
  return { trace_id: span.traceId, span_id: span.spanId };
}

/** The id of the current trace, 32 hexadecimal digits, for exemplars and answers; undefined when nothing is traced. */
export function currentTraceId(): string | undefined {
  return currentTrace()?.trace_id;
}
