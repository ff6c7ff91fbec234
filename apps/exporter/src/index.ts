export { type CallMetrics, createCallMetrics } from './call-metrics.ts';
export { createMetricsRegistry } from './metrics-registry.ts';
export { type ExporterOptions, type RunningExporter, startExporter } from './start-exporter.ts';
