import type { LimitedKey } from '@kpay/transfers';
import type { Scope } from './scopes.ts';

/** Who asks, once that is known. */
export interface Caller {
  /** Which credential it is: what requests are counted by. */
  id: string;
  /** Whose idempotency keys are theirs. */
  owner: string;
  scopes: ReadonlySet<Scope>;
  /** How often they may ask, when not as the setting says. */
  requestsPerMinute?: number;
  /** The accounts that they reach. Null: all. */
  accounts: readonly string[] | null;
  /** The key they come with, if it is one: it goes into every order, which looks at it again when it is recorded. */
  apiKey?: LimitedKey;
  /** The end of the issuer's token they come with, if it is one. */
  tokenEndsAt?: Date;
}
