import { expect, it } from 'vitest';
import { createLogger } from '../logging/logger.ts';
import { createMetricsRegistry } from './metrics-registry.ts';
import { createCallWatchers } from './watch-calls.ts';

it('starts every endpoint and outcome at 0, so that the first one is an increase', async () => {
  const registry = createMetricsRegistry();
  const { onCall } = createCallWatchers(registry, createLogger({ name: 'test', level: 'silent' }))('default');
  const seriesOf = async () =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith('kpay_api_requests_total{'));
  const before = await seriesOf();
  const series = (endpoint: string, outcome: string) =>
    `kpay_api_requests_total{account="default",endpoint="${endpoint}",outcome="${outcome}"}`;
  expect(before).toContain(`${series('balance', 'rate_limited')} 0`);
  expect(before).toContain(`${series('transfer', 'unexpected_status')} 0`);
  expect(before.filter((line) => !line.endsWith(' 0'))).toEqual([]);
  onCall({ endpoint: 'transfer', outcome: 'server_error', durationMs: 5 });
  const after = await seriesOf();
  expect(after).toContain(`${series('transfer', 'server_error')} 1`);
  expect(after).toHaveLength(before.length);
});
