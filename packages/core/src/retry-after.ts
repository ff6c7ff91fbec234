/**
 * How long a Retry-After header asks to wait, in seconds or until an HTTP date (RFC 9110, section 10.2.3).
 * @returns milliseconds, or undefined when there is no header or it cannot be read.
 */
export function parseRetryAfterMs(header: string | string[] | undefined, nowMs: number): number | undefined {
  const text = (Array.isArray(header) ? header[0] : header)?.trim();
  if (!text) return undefined;
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  const untilMs = Date.parse(text);
  return /[a-z]/i.test(text) && Number.isFinite(untilMs) ? Math.max(0, untilMs - nowMs) : undefined;
}
