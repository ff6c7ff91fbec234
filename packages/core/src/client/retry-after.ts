import { LONGEST_BLOCK_MS } from '../stores/budget-store.ts';

/**
 * How long a Retry-After header asks to wait, in seconds or until an HTTP date (RFC 9110, section 10.2.3).
 * @returns milliseconds, 15 minutes at most; undefined when there is no header, it cannot be read, or it asks for no wait at
 *   all: our own backoff holds then. A date is the past's also when one of two clocks is wrong.
 */
export function parseRetryAfterMs(header: string | string[] | undefined, nowMs: number): number | undefined {
  const text = (Array.isArray(header) ? header[0] : header)?.trim();
  if (!text) return undefined;
  const waitMs = waitOf(text, nowMs);
  return waitMs > 0 ? Math.min(waitMs, LONGEST_BLOCK_MS) : undefined;
}

/** NaN for what cannot be read. */
function waitOf(text: string, nowMs: number): number {
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  return /[a-z]/i.test(text) ? Date.parse(text) - nowMs : Number.NaN;
}
