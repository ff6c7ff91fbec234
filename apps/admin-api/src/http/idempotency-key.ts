import { invalidParameter } from './parse-query.ts';

// Without spaces, so that a header that is sent twice is refused: Node joins the two with a comma and a space.
export const IDEMPOTENCY_KEY: RegExp = /^[\x21-\x7e]{1,255}$/;

/** Parses the Idempotency-Key header, if there is one. @throws Problem (400) when it is invalid. */
export function parseIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined || IDEMPOTENCY_KEY.test(header)) return header;
  throw invalidParameter('Idempotency-Key', 'must be 1 to 255 visible ASCII characters without spaces, and given once');
}
