import { createRedisBudgetStore } from './stores/redis-budget-store.ts';
import type { RedisClient } from './stores/redis-script.ts';
import { createRedisSharedStore } from './stores/redis-shared-store.ts';
import type { Stores } from './stores/stores.ts';
import { type Clock, systemClock } from './time/clock.ts';

export type { RedisClient } from './stores/redis-script.ts';

/** Which Redis the stores are in. */
export interface RedisStoresOptions {
  /**
   * A `Redis` or `Cluster` of ioredis. It stays the caller's: nothing here closes it. It should fail at once when Redis is
   * away (`enableOfflineQueue: false`, `maxRetriesPerRequest: 1`) and soon when it hangs (`commandTimeout`).
   */
  redis: RedisClient;
  /** Time; the machine's unless given. What several processes compare goes by Redis' own clock. */
  clock?: Clock | undefined;
}

/**
 * Stores for all processes that use one Redis (7 or later) or Valkey: one budget, one token, one set of observations.
 * All of it may be wiped at any time: values are asked for again, and `Budget.seed` counts what the budget forgot.
 *
 * **Tokens lie there in plain text**, each good for 30 minutes at most; API keys and secrets never do, only digests of
 * them in the names of keys. So guard that Redis (a password, TLS, its network) as you guard what may move money.
 *
 * A value that this account did not write itself is not there: an HMAC with a key from the account's KPay secret tells.
 *
 * While Redis is out of reach nothing is sent: a request then ends as RetryableError.
 */
export function createRedisStores({ redis, clock = systemClock }: RedisStoresOptions): Stores {
  return {
    budget: (key) => createRedisBudgetStore({ redis, key }),
    shared: (key, seal) => createRedisSharedStore({ redis, key, clock, seal }),
  };
}
