import { type Acceptance, acceptUnderstood, type TransferOrder, type UnderstoodOrder, understand } from './accept.ts';
import type { AccountRules } from './account-rules.ts';
import { IdempotencyConflict, InvalidRequest, SpendLimitExceeded } from './errors.ts';
import type { Ledger } from './ledger/ledger.ts';

/** What became of one order of a batch. */
export type BatchResult = Acceptance | Refusal;

interface Refusal {
  refused: InvalidRequest | IdempotencyConflict | SpendLimitExceeded;
}

/**
 * Accepts many orders, each whole or not at all, in their order. It is the same door as acceptTransfer: when it breaks
 * off, those that were accepted by then stay so, and the same batch again replays them.
 *
 * @throws what the ledger throws.
 */
export async function acceptBatch(
  ledger: Ledger,
  accounts: ReadonlySet<string>,
  orders: readonly TransferOrder[],
  rules: ReadonlyMap<string, AccountRules> = new Map(),
): Promise<BatchResult[]> {
  const results: BatchResult[] = [];
  for (const order of orders) {
    results.push(
      await orRefused(async () => {
        const understood = understand(accounts, order);
        return ledger.transaction((tx) => acceptUnderstood(tx, order, understood, rules));
      }),
    );
  }
  return results;
}

/**
 * Accepts all orders or none, in one transaction.
 *
 * @returns the result of each; when one of them is refused, nothing was recorded and the others' are what would have been.
 * @throws what the ledger throws; nothing was recorded then.
 */
export async function acceptAllOrNone(
  ledger: Ledger,
  accounts: ReadonlySet<string>,
  orders: readonly TransferOrder[],
  rules: ReadonlyMap<string, AccountRules> = new Map(),
): Promise<{ recorded: boolean; results: BatchResult[] }> {
  const understood = await Promise.all(orders.map((order) => orRefused(async () => understand(accounts, order))));
  const results: BatchResult[] = [];
  try {
    await ledger.transaction(async (tx) => {
      // Two batches that share quotes or identities lock them in one order, so that neither waits for the other for ever.
      const quoteIds = understood.flatMap((one) =>
        'request' in one && one.request.quoteId !== null ? [one.request.quoteId] : [],
      );
      if (quoteIds.length > 0) {
        await tx.db.selectFrom('kpay.quotes').select('id').where('id', 'in', quoteIds).orderBy('id').forUpdate().execute();
      }
      for (const index of orderOfLocks(orders, understood)) {
        const [order, one] = [orders[index], understood[index]];
        if (!order || !one) continue;
        results[index] = 'refused' in one ? one : await orRefused(() => acceptUnderstood(tx, order, one, rules));
      }
      if (results.some((result) => 'refused' in result)) throw new RolledBack();
    });
    return { recorded: true, results };
  } catch (error) {
    if (error instanceof RolledBack) return { recorded: false, results };
    throw error;
  }
}

/** Ends a transaction whose work is not to be kept. */
export class RolledBack extends Error {
  override readonly name = 'RolledBack';
}

/** By identity; orders of one identity stay as they were given, so that the second is the replay. */
function orderOfLocks(orders: readonly TransferOrder[], understood: readonly (UnderstoodOrder | object)[]): number[] {
  const keys = orders.map(({ account, idempotencyKey }, index) => {
    const one = understood[index];
    const externalId = one && 'request' in one ? (one as UnderstoodOrder).request.externalId : null;
    return JSON.stringify([account, externalId, idempotencyKey ?? null]);
  });
  const compare = (a: number, b: number) => {
    const [left = '', right = ''] = [keys[a], keys[b]];
    return left < right ? -1 : left > right ? 1 : a - b;
  };
  return [...orders.keys()].sort(compare);
}

async function orRefused<T>(work: () => Promise<T>): Promise<T | Refusal> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof InvalidRequest || error instanceof IdempotencyConflict || error instanceof SpendLimitExceeded) {
      return { refused: error };
    }
    throw error;
  }
}
