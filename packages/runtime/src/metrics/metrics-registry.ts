import { collectDefaultMetrics, Registry } from 'prom-client';

// Gauges with the names of counters; `promtool check metrics` rejects them.
const MISNAMED = ['nodejs_active_resources_total', 'nodejs_active_handles_total', 'nodejs_active_requests_total'];

/** Makes a registry with the metrics of the process itself. */
export function createMetricsRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  return registry;
}
