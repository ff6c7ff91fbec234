import { setTimeout as delay } from 'node:timers/promises';

/**
 * Calls `probe` until it returns without throwing, and returns its result. After `timeoutMs` it throws the last error.
 * Tests use this to wait, never a bare sleep.
 */
export async function eventually<T>(probe: () => T | Promise<T>, { timeoutMs = 5_000, everyMs = 20 } = {}): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await delay(everyMs);
  }
}
