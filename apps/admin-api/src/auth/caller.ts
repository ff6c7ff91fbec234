import type { LimitedKey } from '@kpay/transfers';
import type { Scope } from './scopes.ts';

/** An authenticated caller. */
export interface Caller {
  /** The id of the credential. Requests are counted by it. */
  id: string;
  /** The owner of the caller's idempotency keys. */
  owner: string;
  scopes: ReadonlySet<Scope>;
  /** The caller's rate limit; by default that of the setting. */
  requestsPerMinute?: number;
  /** The accounts that the caller reaches. Null: all. */
  accounts: readonly string[] | null;
  /** The caller's key, if it uses one. Every order carries it, and it is checked again when the order is recorded. */
  apiKey?: LimitedKey;
  /** The end of the issuer's token, if the caller uses one. */
  tokenEndsAt?: Date;
}
