import { expect, it } from 'vitest';
import { fuzz } from './fuzz/fuzz.ts';

// `npm run fuzz` sends 20,000 requests and also checks the heap, whose size is stable only after some thousands.
it('answers 500 hostile requests without a fault of ours, and others meanwhile', {
  timeout: 120_000,
}, async () => {
  const seed = Math.floor(Math.random() * 1_000_000);
  const { failures, statuses, others } = await fuzz({ requests: 500, seed });
  expect({ seed, failures }).toEqual({ seed, failures: [] });
  expect(statuses['400']).toBeGreaterThan(50);
  expect(others.asked).toBeGreaterThan(0);
});
