import { describe, expect, it } from 'vitest';
import { resendDelayMs, retryDelayMs } from './backoff.ts';

describe('waiting before the next try', () => {
  it('re-sends after 5 s at most, doubling to 15 minutes, never before half of that', () => {
    expect([0, 1, 2, 7, 8, 500].map((tries) => resendDelayMs(tries, () => 1))).toEqual([
      5_000, 10_000, 20_000, 640_000, 900_000, 900_000,
    ]);
    expect(resendDelayMs(0, () => 0)).toBe(2_500);
  });

  it('retries a first send after 1 s at most, doubling to one minute', () => {
    expect([0, 1, 5, 6, 500].map((tries) => retryDelayMs(tries, () => 1))).toEqual([1_000, 2_000, 32_000, 60_000, 60_000]);
  });
});
