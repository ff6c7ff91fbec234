import type { Request } from 'express';
import { invalidParameter } from './parse-query.ts';

// Without spaces, so that the header given twice, which Node joins by a comma and a space, is refused.
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** The Idempotency-Key header, if there is one. @throws Problem (400) when it cannot be one. */
export function parseIdempotencyKey(request: Request): string | undefined {
  const header = request.get('idempotency-key');
  if (header === undefined || IDEMPOTENCY_KEY.test(header)) return header;
  throw invalidParameter('Idempotency-Key', 'must be 1 to 255 visible ASCII characters without spaces, and given once');
}
