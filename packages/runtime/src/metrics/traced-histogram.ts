import { TraceFlags, trace } from '@opentelemetry/api';
import { Histogram, type Registry } from 'prom-client';

export interface TracedHistogram<Label extends string> {
  observe(labels: Record<Label, string>, value: number): void;
}

/**
 * A histogram whose buckets lead to a trace: a value that is observed inside a sampled span leaves its ids as an
 * exemplar. Shown where OpenMetrics is asked for.
 */
export function createTracedHistogram<Label extends string>(
  registry: Registry,
  settings: { name: string; help: string; labelNames: readonly Label[]; buckets: number[] },
): TracedHistogram<Label> {
  // Registered afterwards: prom-client would refuse exemplars in a registry that can also show the text format, where
  // they are left out. It types their labels as the metric's own.
  const histogram = new Histogram<string>({ ...settings, registers: [], enableExemplars: true });
  registry.registerMetric(histogram);
  return {
    observe: (labels, value) => histogram.observe({ labels, value, exemplarLabels: sampledSpan() }),
  };
}

function sampledSpan(): Record<string, string> {
  const span = trace.getActiveSpan()?.spanContext();
  if (!span || !(span.traceFlags & TraceFlags.SAMPLED)) return {};
  return { trace_id: span.traceId, span_id: span.spanId };
}
