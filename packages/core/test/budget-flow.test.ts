import { createSimulator } from '@kpay/simulator';
import { expect, it } from 'vitest';
import { lanes } from '../src/budget-store.ts';
import type { KpayClient } from '../src/client.ts';
import { openKpayAccount } from '../src/open-account.ts';
import { startJitterProxy } from './jitter-proxy.ts';

const LIMIT = 100;
const WINDOW_MS = 6_000;
const CALLS = 300;

it('300 calls at once in every lane use the whole limit and never pass it, with jitter on the way', {
  timeout: 40_000,
}, async () => {
  const simulator = await createSimulator({ port: 0, limit: LIMIT, windowMs: WINDOW_MS, latencyMs: 5 });
  const way = await startJitterProxy({ port: simulator.port, jitterMs: 20 });
  const account = openKpayAccount({
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
    const received = requests.map(({ receivedAt }) => Date.parse(receivedAt)).toSorted((a, b) => a - b);
    const used = usedInFullWindows(received);
    const most = Math.max(...received.map((_, index) => countWithin(received.slice(index))));
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

/** A different read each time, in each lane in turn. */
function callKpay(client: KpayClient, number: number): Promise<unknown> {
  const lane = lanes[number % lanes.length] ?? 'money';
  const options = { lane };
  const reads = [
    () => client.balance(options),
    () => client.availability(options),
    () => client.exchangeRate('XAF', 'XOF', options),
    () => client.predictProvider('237653456789', options),
    () => client.me(options),
  ];
  return (reads[number % reads.length] ?? (() => client.me(options)))();
}

/** Receipts in each window that lies between the first receipt and the last, side by side from the first. */
function usedInFullWindows(received: readonly number[]): number[] {
  const firstMs = received[0] ?? 0;
  const lastMs = received.at(-1) ?? 0;
  const full = Math.floor((lastMs - firstMs) / WINDOW_MS);
  return Array.from({ length: full }, (_, index) => countWithin(received.filter((at) => at >= firstMs + index * WINDOW_MS)));
}

/** How many come within a window of the first. */
function countWithin(received: readonly number[]): number {
  const firstMs = received[0] ?? 0;
  return received.filter((at) => at < firstMs + WINDOW_MS).length;
}
