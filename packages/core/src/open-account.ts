import { createHash } from 'node:crypto';
import { type Budget, createBudget } from './budget.ts';
import { createKpayClient, type Environment, type KpayClient, type KpayClientOptions } from './client/client.ts';
import { InvalidSettings } from './errors.ts';
import { createObservations, type Observations, type ObservationsOptions } from './observations.ts';
import { type BudgetStore, createMemoryBudgetStore } from './stores/budget-store.ts';
import { createSeal, type Seal } from './stores/seal.ts';
import { createMemorySharedStore, type SharedStore } from './stores/shared-store.ts';
import { type Clock, systemClock } from './time/clock.ts';

/** Where accounts keep what processes share. Keys are digests: no secret is in them. */
export interface Stores {
  budget(key: string): BudgetStore;
  /** For tokens and observations. `seal` is for a store that others can write to: what it does not know is not there. */
  shared(key: string, seal?: Seal): SharedStore;
}

/** Stores for one process. Accounts opened with the same ones and the same API key share one budget. */
export function createMemoryStores({ clock = systemClock }: { clock?: Clock } = {}): Stores {
  const budgets = new Map<string, BudgetStore>();
  const shared = new Map<string, SharedStore>();
  return {
    budget: (key) => getOrCreate(budgets, key, () => createMemoryBudgetStore({ clock })),
    shared: (key) => getOrCreate(shared, key, () => createMemorySharedStore({ clock })),
  };
}

export interface AccountSettings {
  /** `[a-z0-9-]{1,32}`. */
  name: string;
  apiKey: string;
  secretKey: string;
  baseUrl: string;
  environment: Environment;
  /** Of the proxy to KPay, with its user and password if it asks for them; straight unless given. */
  proxyUrl?: string | undefined;
  /** What KPay allows in each window, for all processes together; 100 unless given. */
  rateLimitPerMinute?: number | undefined;
  /** One minute unless given; shorter in scaled tests. */
  budgetWindowMs?: number | undefined;
}

export type AccountOptions = Pick<
  KpayClientOptions,
  'clock' | 'connectTimeoutMs' | 'totalTimeoutMs' | 'ipv4Only' | 'onCall' | 'onDrift'
> &
  Pick<ObservationsOptions, 'maxAgeMs'> & { stores?: Stores | undefined };

/** One merchant's access to KPay, ready to use. */
export interface KpayAccount {
  readonly name: string;
  readonly baseUrl: string;
  readonly environment: Environment;
  /** What KPay allows in each window, for all processes together. */
  readonly rateLimitPerMinute: number;
  readonly client: KpayClient;
  readonly budget: Budget;
  readonly observations: Observations;
  readonly clock: Clock;
  /**
   * Goes on with other keys of the same application: whoever holds this account, its client, budget or observations
   * uses them from then on. `check` gets an account that uses them already, and throws to refuse them; nothing changes then.
   *
   * What is on its way with the old keys ends with them; what only waits is told Retryable. KPay counts requests by key, so
   * another API key has a budget of its own: `check` may seed it.
   *
   * @throws InvalidSettings when the keys cannot work, or what `check` throws.
   */
  changeKeys(keys: Keys, check: (candidate: KpayAccount) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export type Keys = Pick<AccountSettings, 'apiKey' | 'secretKey'>;

/** @throws InvalidSettings when they cannot work; nothing is sent yet. */
export function openKpayAccount(settings: AccountSettings, options: AccountOptions = {}): KpayAccount {
  const { name, baseUrl, environment, rateLimitPerMinute = 100 } = settings;
  const { clock = systemClock, stores = createMemoryStores({ clock }) } = options;
  if (!/^[a-z0-9-]{1,32}$/.test(name)) throw new InvalidSettings('an account name has 1 to 32 of a to z, 0 to 9 and -');
  if (!Number.isInteger(rateLimitPerMinute) || rateLimitPerMinute < 1) {
    throw new InvalidSettings('the rate limit (KPAY_RATE_LIMIT_PER_MINUTE) must be a whole number above zero');
  }
  let access = openAccess(settings, { ...options, clock, stores });
  /** The clients of earlier keys, until what they are at has ended. */
  const retired = new Set<Promise<void>>();

  function retire({ client }: Access): void {
    const closed = client.close().finally(() => retired.delete(closed));
    retired.add(closed);
  }

  return {
    name,
    baseUrl,
    environment,
    rateLimitPerMinute,
    clock,
    client: follow(access.client, () => access.client),
    budget: follow(access.budget, () => access.budget),
    observations: follow(access.observations, () => access.observations),
    async changeKeys({ apiKey, secretKey }, check) {
      const candidate = openKpayAccount({ ...settings, apiKey, secretKey }, { ...options, clock, stores });
      try {
        await check(candidate);
      } finally {
        await candidate.close();
      }
      const before = access;
      access = openAccess({ ...settings, apiKey, secretKey }, { ...options, clock, stores }, before.observations);
      retire(before);
    },
    async close() {
      await Promise.all([access.client.close(), ...retired]);
    },
  };
}

/** What one pair of keys opens. */
interface Access {
  client: KpayClient;
  budget: Budget;
  observations: Observations;
}

function openAccess(
  { apiKey, secretKey, baseUrl, environment, proxyUrl, rateLimitPerMinute = 100, budgetWindowMs = 60_000 }: AccountSettings,
  { clock, stores, maxAgeMs, ...clientOptions }: AccountOptions & { clock: Clock; stores: Stores },
  earlier?: Observations,
): Access {
  const budget = createBudget({
    store: stores.budget(digest(apiKey)),
    clock,
    limit: rateLimitPerMinute,
    windowMs: budgetWindowMs,
  });
  const store = stores.shared(digest(`${baseUrl} ${apiKey}`), createSeal(secretKey));
  const of = { baseUrl, apiKey, secretKey, environment, proxyUrl };
  const client = createKpayClient({ ...clientOptions, ...of, budget, tokens: store, clock });
  const observations = createObservations({ client, store, clock, maxAgeMs, earlier });
  return { client, budget, observations };
}

/** An object whose methods are those of what `now` answers at each call, also for those who hold only a method. */
function follow<T extends object>(first: T, now: () => T): T {
  type Method = (...args: unknown[]) => unknown;
  const methods = Object.keys(first).map((name) => {
    const method: Method = (...args) => (now() as Record<string, Method>)[name]?.(...args);
    return [name, method];
  });
  return Object.fromEntries(methods) as T;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function getOrCreate<T>(map: Map<string, T>, key: string, create: () => T): T {
  const known = map.get(key);
  if (known) return known;
  const created = create();
  map.set(key, created);
  return created;
}
