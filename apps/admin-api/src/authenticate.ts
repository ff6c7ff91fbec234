import { createHash, timingSafeEqual } from 'node:crypto';
import type { Caller } from './operation.ts';
import { Problem } from './problem.ts';

/**
 * Makes what turns an Authorization header into a caller. The bootstrap token is the only key there is yet.
 * Digests are compared, so that neither the time nor the length of a guess tells anything.
 *
 * @returns a function that throws a Problem (401) without the right token.
 */
export function createAuthenticator(adminToken: string): (authorization: string | undefined) => Caller {
  if (adminToken === '') throw new Error('the admin token (KPAY_ADMIN_TOKEN) must not be empty');
  const expected = digest(adminToken);
  return (authorization) => {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) throw refusal('Send "Authorization: Bearer <token>".', 'Bearer realm="kpay"');
    if (!timingSafeEqual(digest(token), expected)) {
      throw refusal('The bearer token is not known.', 'Bearer realm="kpay", error="invalid_token"');
    }
    return { owner: 'admin' };
  };
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function refusal(detail: string, challenge: string): Problem {
  return new Problem('unauthenticated', detail, { headers: { 'www-authenticate': challenge } });
}
