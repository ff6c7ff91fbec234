import { createSimulator } from '@kpay/simulator';
import { expect, it } from 'vitest';
import { Kpay } from '../src/kpay.ts';
import { callKpay } from './call-kpay.ts';
import { startJitterProxy } from './jitter-proxy.ts';
import { mostInAnyWindow, receiptTimes, usedInFullWindows } from './receipts.ts';

const LIMIT = 100;
const WINDOW_MS = 6_000;
const CALLS = 250;

it('250 calls in every lane use the whole limit and never exceed it, with jitter', {
  timeout: 40_000,
}, async () => {
  const simulator = await createSimulator({ port: 0, limit: LIMIT, windowMs: WINDOW_MS, latencyMs: 5 });
  const way = await startJitterProxy({ port: simulator.port, jitterMs: 20 });
  const account = new Kpay({
    name: 'default',
    apiKey: 'kpay_test_simulator',
    secretKey: 'simulator-secret',
    environment: 'TEST',
    baseUrl: way.baseUrl,
    rateLimitPerMinute: LIMIT,
    budgetWindowMs: WINDOW_MS,
  });
  try {
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: CALLS }, (_, number) => callKpay(account.client, number)));
    const tookMs = performance.now() - startedMs;

    const { requests } = simulator.control.truth();
    const received = receiptTimes(requests);
    const used = usedInFullWindows(received, WINDOW_MS);
    const most = mostInAnyWindow(received, WINDOW_MS);
    const statuses = new Set(requests.map(({ status }) => status));
    process.stdout.write(
      `${CALLS} calls in ${(tookMs / 1_000).toFixed(2)} s, used in each full window: ${used.join(', ')} of ${LIMIT}, most in any: ${most}\n`,
    );

    expect(requests).toHaveLength(CALLS);
    expect(statuses).toEqual(new Set([200, 201]));
    expect(most).toBeLessThanOrEqual(LIMIT);
    expect(used.length).toBeGreaterThanOrEqual(2);
    expect(Math.min(...used)).toBeGreaterThanOrEqual(95);
  } finally {
    await account.close();
    await way.close();
    await simulator.close();
  }
});
