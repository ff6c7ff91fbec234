import { type Budget, createBudget } from '../src/budget.ts';
import { createKpayClient, type KpayClient, type KpayClientOptions } from '../src/client/client.ts';
import type { Drift } from '../src/client/drift.ts';
import type { Call } from '../src/client/hooks.ts';
import type { TransferRequestFields } from '../src/client/transfer-body.ts';
import { createMemoryBudgetStore } from '../src/stores/budget-store.ts';
import { createMemorySharedStore } from '../src/stores/shared-store.ts';
import { systemClock } from '../src/time/clock.ts';

export const API_KEY = 'kpay_test_abcdef0123456789';
export const SECRET_KEY = 'very-secret-9f8e7d6c';

export interface TestClient {
  client: KpayClient;
  budget: Budget;
  calls: Call[];
  drifts: Drift[];
}

/** A client of its own for one test, with room for 1,000 requests. */
export function createTestClient(baseUrl: string, overrides: Partial<KpayClientOptions> = {}): TestClient {
  const clock = overrides.clock ?? systemClock;
  const budget =
    overrides.budget ?? createBudget({ store: createMemoryBudgetStore({ clock }), clock, limit: 1_000, windowMs: 60_000 });
  const calls: Call[] = [];
  const drifts: Drift[] = [];
  const client = createKpayClient({
    baseUrl,
    apiKey: API_KEY,
    secretKey: SECRET_KEY,
    environment: 'TEST',
    tokens: createMemorySharedStore({ clock }),
    onCall: (call) => calls.push(call),
    onDrift: (drift) => drifts.push(drift),
    ...overrides,
    budget,
  });
  return { client, budget, calls, drifts };
}

export const TRANSFER: TransferRequestFields = {
  applicationId: 'b8aefadd-88b4-561a-8a90-2f9814207bfb',
  sourceCountry: 'CMR',
  destinationCountry: 'GAB',
  amount: { amountMinor: 50_000n, currency: 'XAF' },
  externalId: '5f0c2c39-7a43-5c57-93c7-2f6f3a3f5a1e',
};

/** The documented answer to it. */
export const RECEIPT = {
  id: 'wt_1',
  sourceTransaction: { id: 's1', reference: 'r1', type: 'WALLET_TRANSFER_OUT', amount: 50000, currency: 'XAF', country: 'CMR' },
  destinationTransaction: {
    id: 'd1',
    reference: 'r2',
    type: 'WALLET_TRANSFER_IN',
    amount: 50000,
    currency: 'XAF',
    country: 'GAB',
  },
  exchangeRate: 1,
  description: null,
  externalId: TRANSFER.externalId,
  createdAt: '2026-11-24T00:00:00.000Z',
};
