import { createHash } from 'node:crypto';
import { type Budget, createBudget } from './budget.ts';
import { type BudgetStore, createMemoryBudgetStore } from './budget-store.ts';
import { createKpayClient, type Environment, type KpayClient, type KpayClientOptions } from './client.ts';
import { type Clock, systemClock } from './clock.ts';
import { InvalidSettings } from './errors.ts';
import { createObservations, type Observations, type ObservationsOptions } from './observations.ts';
import { createMemorySharedStore, type SharedStore } from './shared-store.ts';

/** Where accounts keep what processes share. Keys are digests: no secret is in them. */
export interface Stores {
  budget(key: string): BudgetStore;
  /** For tokens and observations. */
  shared(key: string): SharedStore;
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
  readonly client: KpayClient;
  readonly budget: Budget;
  readonly observations: Observations;
  readonly clock: Clock;
  close(): Promise<void>;
}

/** @throws InvalidSettings when they cannot work; nothing is sent yet. */
export function openKpayAccount(settings: AccountSettings, options: AccountOptions = {}): KpayAccount {
  const { name, apiKey, secretKey, baseUrl, environment, rateLimitPerMinute = 100, budgetWindowMs = 60_000 } = settings;
  const { clock = systemClock, stores = createMemoryStores({ clock }), maxAgeMs, ...clientOptions } = options;
  if (!/^[a-z0-9-]{1,32}$/.test(name)) throw new InvalidSettings('an account name has 1 to 32 of a to z, 0 to 9 and -');
  if (!Number.isInteger(rateLimitPerMinute) || rateLimitPerMinute < 1) {
    throw new InvalidSettings('the rate limit (KPAY_RATE_LIMIT_PER_MINUTE) must be a whole number above zero');
  }
  const budget = createBudget({
    store: stores.budget(digest(apiKey)),
    clock,
    limit: rateLimitPerMinute,
    windowMs: budgetWindowMs,
  });
  const store = stores.shared(digest(`${baseUrl} ${apiKey}`));
  const client = createKpayClient({ ...clientOptions, baseUrl, apiKey, secretKey, environment, budget, tokens: store, clock });
  const observations = createObservations({ client, store, clock, maxAgeMs });
  return { name, baseUrl, environment, client, budget, observations, clock, close: () => client.close() };
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
