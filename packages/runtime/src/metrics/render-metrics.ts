import { type OpenMetricsContentType, Registry } from 'prom-client';

export type MetricsFormat = 'text' | 'openmetrics';

const OPENMETRICS = /^application\/openmetrics-text$/;
const VERSIONS = ['0.0.1', '1.0.0'];

/** Chooses the format by a scraper's Accept header: the text format, unless it asks for OpenMetrics. */
export function chooseFormat(accept = ''): MetricsFormat {
  let text = 0;
  let openMetrics = 0;
  for (const part of accept.split(',')) {
    const [type = '', ...parameters] = part.split(';').map((each) => each.trim().toLowerCase());
    const named = new Map(parameters.map((each) => each.split('=').map((side) => side.trim()) as [string, string]));
    const quality = Number(named.get('q') ?? 1);
    if (OPENMETRICS.test(type) && VERSIONS.includes(named.get('version') ?? '1.0.0'))
      openMetrics = Math.max(openMetrics, quality);
    if (type === 'text/plain' || type === '*/*' || type === 'text/*') text = Math.max(text, quality);
  }
  return openMetrics > 0 && openMetrics >= text ? 'openmetrics' : 'text';
}

export function contentTypeOf(format: MetricsFormat): string {
  return format === 'text' ? Registry.PROMETHEUS_CONTENT_TYPE : Registry.OPENMETRICS_CONTENT_TYPE;
}

/**
 * Renders a registry in one of the two formats. OpenMetrics lacks its last line, so that more can follow. prom-client
 * supports one format for each registry and permanently renames the counters of one that is set to OpenMetrics. So here
 * a view of the metrics is renamed instead.
 */
export async function renderMetrics(registry: Registry, format: MetricsFormat): Promise<string> {
  if (format === 'text') return registry.metrics();
  const view = new Registry<OpenMetricsContentType>();
  view.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  for (const metric of registry.getMetricsAsArray()) view.registerMetric(openMetricsViewOf(metric));
  return (await view.metrics()).replace(/# EOF\n$/, '');
}

type Metric = Parameters<Registry['registerMetric']>[0];
/** The part of a metric that prom-client needs to render it. */
interface Rendered {
  name: string;
  type: string;
}
interface Renderable {
  name: string;
  type?: string;
  get(): Promise<Rendered>;
  getForPromString?(): Promise<Rendered>;
}

function openMetricsViewOf(metric: object): Metric {
  const own = metric as Renderable;
  const view: Renderable = {
    name: own.name,
    ...(own.type !== undefined && { type: own.type }),
    async get() {
      const shown = await (own.getForPromString?.() ?? own.get());
      return shown.type === 'counter' ? { ...shown, name: shown.name.replace(/_total$/, '') } : shown;
    },
  };
  return view as unknown as Metric;
}
