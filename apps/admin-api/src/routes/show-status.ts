import type { KpayAccount } from '@kpay/core';
import { type Ledger, transferStates } from '@kpay/transfers';
import { readLedgerStats } from '@kpay/transfers/worker';
import { z } from 'zod';
import { reachable } from '../auth/rights.ts';
import { describeOperation, type Operation } from '../http/operation.ts';

const unfinishedSchema = z.strictObject({
  state: z.enum(transferStates),
  reasonCode: z.string().nullable().describe('Of those that are held or in review; null elsewhere.'),
  count: z.int(),
  oldestSeconds: z.int().describe('How long the oldest has waited.'),
});
const statusSchema = z
  .strictObject({
    accounts: z.array(
      z.strictObject({
        name: z.string(),
        environment: z.enum(['TEST', 'PRODUCTION']),
        budget: z.strictObject({
          limit: z.int().describe('Requests that KPay takes in a minute, of all processes together.'),
          remaining: z.int().nullable().describe('How many are left now; null while Redis does not answer.'),
        }),
        probing: z.boolean().describe('After several unknown outcomes in a row only one transfer is sent, to probe KPay.'),
        unfinished: z.array(unfinishedSchema).describe('Transfers that have not ended, by state and reason.'),
      }),
    ),
  })
  .meta({ id: 'SystemStatus' });

/** An overview for people: what waits, for how long, and whether anything can be sent. It does not ask KPay. */
export function showStatus({ ledger, accounts }: { ledger: Ledger; accounts: ReadonlyMap<string, KpayAccount> }): Operation {
  return describeOperation({
    name: 'showStatus',
    method: 'get',
    path: '/status',
    scope: 'read',
    summary: 'What waits in the accounts that your key reaches, for how long, and what is left of the budget.',
    answer: { status: 200, schema: statusSchema },
    async handle({ caller }) {
      const reached = [...reachable(caller, accounts).values()];
      const stats = await readLedgerStats(
        ledger,
        reached.map(({ name }) => name),
      );
      const shown = reached.map(async ({ name, environment, budget, rateLimitPerMinute }) => {
        const { unfinished = [], breakerOpen = false } = stats.get(name) ?? {};
        // Sums over the wallets: who reads this asks how much waits, not where.
        const rows = Map.groupBy(unfinished, ({ state, reasonCode }) => JSON.stringify([state, reasonCode]));
        return {
          name,
          environment,
          budget: { limit: rateLimitPerMinute, remaining: await budget.remaining().catch(() => null) },
          probing: breakerOpen,
          unfinished: [...rows.values()].flatMap((group) => {
            const [first] = group;
            if (!first) return [];
            const count = group.reduce((sum, each) => sum + each.count, 0);
            const oldestMs = group.reduce((most, each) => Math.max(most, each.oldestMs), 0);
            return [{ state: first.state, reasonCode: first.reasonCode, count, oldestSeconds: Math.round(oldestMs / 1_000) }];
          }),
        };
      });
      return { body: { accounts: await Promise.all(shown) } };
    },
  });
}
