import { createLogger, createMetricsRegistry } from '@kpay/runtime';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { denials } from '../problems/problem.ts';
import { watchAuth } from './auth-watch.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function watch() {
  const lines: Record<string, unknown>[] = [];
  const registry = createMetricsRegistry();
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  return { lines, registry, watch: watchAuth(registry, createLogger({ name: 'test', destination })) };
}
const request = { method: 'GET', route: '/v1/transfers', address: '10.0.0.1' };

it('a flood of denials is a line a second for each reason, with how many there were', () => {
  const { lines, watch: watched } = watch();
  for (let n = 0; n < 1_000; n += 1) {
    watched.denied('unknown', { keyId: undefined, owner: undefined }, request);
    watched.denied('revoked', { keyId: `key-${n}`, owner: undefined }, request);
  }
  expect(lines).toMatchObject([
    { denial: 'unknown', count: 1, route: '/v1/transfers', address: '10.0.0.1' },
    { denial: 'revoked', count: 1, keyId: 'key-0' },
  ]);
  vi.advanceTimersByTime(1_000);
  expect(lines.slice(2)).toMatchObject([
    { denial: 'unknown', count: 999 },
    { denial: 'revoked', count: 999, keyId: 'key-999' },
  ]);
  vi.advanceTimersByTime(60_000);
  expect(lines).toHaveLength(4);
  watched.denied('unknown', { keyId: undefined, owner: undefined }, request);
  expect(lines[4]).toMatchObject({ denial: 'unknown', count: 1 });
});

it('a flood that goes on never makes more than a line a second', () => {
  const { lines, watch: watched } = watch();
  for (let n = 0; n < 100; n += 1) {
    watched.denied('missing', { keyId: undefined, owner: undefined }, request);
    vi.advanceTimersByTime(100);
  }
  vi.advanceTimersByTime(1_000);
  expect(lines.length).toBeLessThanOrEqual(12);
  expect(lines.reduce((sum, { count }) => sum + Number(count), 0)).toBe(100);
});

it('the bootstrap token is a line a minute while it is used', () => {
  const { lines, watch: watched } = watch();
  const caller = { id: 'admin', owner: 'admin', scopes: new Set<never>(), accounts: null };
  for (let n = 0; n < 120; n += 1) {
    watched.letIn(caller, request);
    vi.advanceTimersByTime(1_000);
  }
  vi.advanceTimersByTime(60_000);
  expect(lines.length).toBeLessThanOrEqual(4);
  expect(lines.reduce((sum, { count }) => sum + Number(count), 0)).toBe(120);
});

it('every outcome is there from the start', async () => {
  const text = await watch().registry.metrics();
  for (const outcome of ['bootstrap', 'key', 'oidc', ...denials]) {
    expect(text).toContain(`kpay_admin_auth_total{outcome="${outcome}"} 0`);
  }
  for (const change of ['made', 'revoked']) expect(text).toContain(`kpay_admin_key_changes_total{change="${change}"} 0`);
});
