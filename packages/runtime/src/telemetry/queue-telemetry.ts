import { type Span as ApiSpan, type Context, trace } from '@opentelemetry/api';
import { type Span, SpanKind, type Telemetry } from 'bullmq';
import { BullMQOtel } from 'bullmq-otel';

/**
 * BullMQ's own telemetry without two kinds of spans: its bookkeeping (fetching the next job, renewing locks), and jobs
 * that were added outside of any trace, such as the advance jobs of a sweep, which would all become one trace.
 */
export function createQueueTelemetry(): Telemetry<Context> {
  const { tracer, contextManager } = new BullMQOtel({ tracerName: 'bullmq' });
  return {
    contextManager,
    tracer: {
      startSpan(name, options, context) {
        const isStep = options?.kind === SpanKind.CONSUMER || (options?.kind === SpanKind.PRODUCER && isTraced());
        return isStep ? tracer.startSpan(name, options, context) : silent;
      },
    },
  };
}

function isTraced(): boolean {
  const active: ApiSpan | undefined = trace.getActiveSpan();
  return active !== undefined && trace.isSpanContextValid(active.spanContext());
}

const silent: Span<Context> = {
  setSpanOnContext: (context) => context,
  setAttribute() {},
  setAttributes() {},
  addEvent() {},
  recordException() {},
  end() {},
};
