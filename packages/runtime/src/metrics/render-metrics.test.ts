import { Counter, Gauge, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { chooseFormat, renderMetrics } from './render-metrics.ts';
import { createTracedHistogram } from './traced-histogram.ts';

it.each([
  [undefined, 'text'],
  ['*/*', 'text'],
  ['text/plain;version=0.0.4', 'text'],
  ['application/openmetrics-text', 'openmetrics'],
  // As Prometheus asks.
  [
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    'openmetrics',
  ],
  ['application/openmetrics-text;version=1.0.0;q=0.2,text/plain;q=0.5', 'text'],
  ['application/openmetrics-text;version=2.0.0', 'text'],
])('a scraper that accepts %s gets %s', (accept, format) => {
  expect(chooseFormat(accept)).toBe(format);
});

it('both formats of one registry, in turn, each with its own names', async () => {
  const registry = new Registry();
  new Counter({ name: 'sends_total', help: 'Sends.', registers: [registry] }).inc(2);
  new Gauge({
    name: 'up',
    help: 'Up.',
    registers: [registry],
    collect() {
      this.set(1);
    },
  });
  createTracedHistogram(registry, { name: 'took_seconds', help: 'Time.', labelNames: ['who'], buckets: [1] }).observe(
    { who: 'a' },
    0.5,
  );
  for (const _twice of [1, 2]) {
    const openMetrics = await renderMetrics(registry, 'openmetrics');
    expect(openMetrics).toContain('# TYPE sends counter\nsends_total 2\n');
    expect(openMetrics).toContain('up 1\n');
    expect(openMetrics).toContain('took_seconds_bucket{le="1",who="a"} 1\n');
    expect(openMetrics).not.toContain('# EOF');
    expect(await renderMetrics(registry, 'text')).toContain('# TYPE sends_total counter\nsends_total 2\n');
  }
});
