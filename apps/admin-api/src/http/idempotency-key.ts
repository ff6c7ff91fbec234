import { invalidParameter } from './parse-query.ts';

// Without spaces, so that the header given twice, which Node joins by a comma and a space, is refused.
export const IDEMPOTENCY_KEY: RegExp = /^[\x21-\x7e]{1,255}$/;

/** The Idempotency-Key header, if there is one. @throws Problem (400) when it cannot be one. */
export function parseIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined || IDEMPOTENCY_KEY.test(header)) return header;
  throw invalidParameter('Idempotency-Key', 'must be 1 to 255 visible ASCII characters without spaces, and given once');
}
