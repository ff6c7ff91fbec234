import { context, isSpanContextValid, trace } from '@opentelemetry/api';

/** The trace context of the current span, to store with a row; null when nothing is traced. */
export function currentTraceparent(): string | null {
  const active = trace.getSpanContext(context.active());
  if (!active || !isSpanContextValid(active)) return null;
  return `00-${active.traceId}-${active.spanId}-${active.traceFlags.toString(16).padStart(2, '0')}`;
}
