import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FoundApiKey } from '@kpay/transfers/operations';
import { invalidToken, Problem, unauthenticated } from '../problems/problem.ts';
import { isAddressIn } from './address-ranges.ts';
import type { Caller } from './caller.ts';
import { type KeyStore, limitsOfKey } from './key-store.ts';
import { isJwt } from './oidc.ts';
import { type Scope, scopes } from './scopes.ts';

export interface Credentials {
  /** The bearer token that was sent. */
  token: string;
  /** The address of the client's connection. */
  address: string | undefined;
}

export interface AuthenticatorOptions {
  /** The bootstrap token. */
  adminToken: string;
  keys: KeyStore;
  /** Authenticates an issuer's tokens, when an issuer is configured. */
  oidc?: ((token: string) => Promise<Caller>) | undefined;
}

export type Authenticate = (credentials: Credentials) => Promise<Caller>;

/**
 * Makes the function that authenticates a token: the bootstrap token, which may do everything, a key, or a token of the
 * issuer. It compares digests, so that neither the time nor the length of a guess reveals anything.
 *
 * @returns a function that throws a Problem (401) without a valid token.
 */
export function createAuthenticator({ adminToken, keys, oidc }: AuthenticatorOptions): Authenticate {
  if (adminToken === '') throw new Error('the admin token (KPAY_ADMIN_TOKEN) must not be empty');
  const expected = digest(adminToken);
  return async ({ token, address }) => {
    if (timingSafeEqual(digest(token), expected)) {
      return { id: 'admin', owner: 'admin', scopes: new Set(scopes), accounts: null };
    }
    if (oidc && isJwt(token)) return oidc(token);
    const found = await keys.find(token);
    if (!found) throw invalidToken('The bearer token is not known.', 'unknown');
    return callerOfKey(found, address);
  };
}

/** The caller of a key's row. @throws Problem (401) when the key has ended, or may not be used from the address. */
export function callerOfKey({ row, now, makerEnded }: FoundApiKey, address: string | undefined): Caller {
  if (row.revoked_at) throw invalidToken('The key was revoked.', 'revoked', row.id);
  if (row.expires_at && row.expires_at <= now) throw invalidToken('The key has expired.', 'expired', row.id);
  if (makerEnded) throw invalidToken('A key that this one was made by has ended.', 'revoked', row.id);
  if (row.address_ranges && (address === undefined || !isAddressIn(row.address_ranges, address))) {
    throw invalidToken('The key may not be used from this address.', 'address', row.id);
  }
  const limits = limitsOfKey(row);
  return {
    id: `key ${row.id}`,
    owner: row.owner,
    scopes: new Set(row.scopes as Scope[]),
    accounts: row.accounts,
    apiKey: { id: row.id, limits },
    ...(row.requests_per_minute !== null && { requestsPerMinute: row.requests_per_minute }),
  };
}

/** @throws Problem (400) when there are two Authorization headers. */
export function refuseTwoTokens({ headersDistinct }: IncomingMessage): void {
  if ((headersDistinct.authorization?.length ?? 0) < 2) return;
  throw new Problem('invalid_request', 'Send exactly one Authorization header.');
}

/** The token in an Authorization header. @throws Problem (401) when there is none. */
export function bearerToken(authorization: string | undefined): string {
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) throw unauthenticated('Send "Authorization: Bearer <token>".', 'Bearer realm="kpay"');
  return token;
}

/** @throws Problem (403) naming the missing scope. */
export function requireScope({ scopes }: Caller, needed: Scope): void {
  if (scopes.has(needed)) return;
  const headers = { 'www-authenticate': `Bearer realm="kpay", error="insufficient_scope", scope="${needed}"` };
  throw new Problem('forbidden', `This needs a key with the scope ${needed}.`, { headers, denial: 'scope' });
}

function digest(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}
