import { TraceFlags, trace } from '@opentelemetry/api';
import { Histogram, type Registry } from 'prom-client';

export interface TracedHistogram<Label extends string> {
  observe(labels: Record<Label, string>, value: number): void;
}

/**
 * Makes a histogram whose buckets lead to a trace. A value observed inside a sampled span leaves the span's ids as an
 * exemplar, which OpenMetrics shows.
 */
export function createTracedHistogram<Label extends string>(
  registry: Registry,
  settings: { name: string; help: string; labelNames: readonly Label[]; buckets: number[] },
): TracedHistogram<Label> {
  // Registered afterwards, because prom-client refuses exemplars in a registry that can also show the text format,
  // which omits them. Its types give exemplars the metric's own labels.
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
