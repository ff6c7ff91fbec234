import { type Clock, systemClock } from '../time/clock.ts';
import { type BudgetStore, createMemoryBudgetStore } from './budget-store.ts';
import type { Seal } from './seal.ts';
import { createMemorySharedStore, type SharedStore } from './shared-store.ts';

/** Where accounts keep what processes share. Keys are digests: no secret is in them. */
export interface Stores {
  /** For the request budget of one API key. */
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

function getOrCreate<T>(map: Map<string, T>, key: string, create: () => T): T {
  const known = map.get(key);
  if (known) return known;
  const created = create();
  map.set(key, created);
  return created;
}
