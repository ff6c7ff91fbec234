import type { Ledger } from '@kpay/ledger';
import { type RawBuilder, sql } from 'kysely';
import type { AccountRules } from '../checks/account-rules.ts';
import { IdempotencyConflict, InvalidRequest, KeyEnded, SpendLimitExceeded } from '../errors.ts';
import { type Acceptance, acceptParsed, acceptTransfer, type ParsedOrder, parseOrder, type TransferOrder } from './accept.ts';

/** The result for one order of a batch. */
export type BatchResult = ({ kind: 'accepted' } & Acceptance) | Refusal;

/** One order of a batch. The caller refuses an order that cannot be parsed before the batch gets here. */
export type BatchOrder = { kind: 'order'; order: TransferOrder } | Refusal;

/** Why an order was not accepted. */
export interface Refusal {
  kind: 'refused';
  refused: InvalidRequest | IdempotencyConflict | SpendLimitExceeded | KeyEnded;
}

/**
 * Accepts many orders with acceptTransfer, one after the other. Each is accepted whole or not at all. If the batch
 * breaks off, the orders accepted so far stay; the same batch sent again replays them. If the key is revoked or expires
 * meanwhile, that order and all later ones are refused.
 *
 * @throws KeyEnded when no order was accepted before; and what the ledger throws.
 */
export async function acceptBatch(
  ledger: Ledger,
  accounts: ReadonlySet<string>,
  orders: readonly BatchOrder[],
  rules: ReadonlyMap<string, AccountRules> = new Map(),
): Promise<BatchResult[]> {
  const results: BatchResult[] = [];
  for (const order of orders) {
    try {
      results.push(
        order.kind === 'refused'
          ? order
          : await orRefused(() => acceptTransfer(ledger, accounts, order.order, rules).then(accepted)),
      );
    } catch (error) {
      if (!(error instanceof KeyEnded) || !results.some((result) => result.kind === 'accepted')) throw error;
      const rest = orders.slice(results.length);
      return [...results, ...rest.map((each): Refusal => (each.kind === 'refused' ? each : { kind: 'refused', refused: error }))];
    }
  }
  return results;
}

/**
 * Accepts all orders or none, in one transaction.
 *
 * @returns the result of each order. If one is refused, nothing is recorded, and the others show what would have been
 *   accepted.
 * @throws what the ledger throws; nothing is recorded then.
 */
export async function acceptAllOrNone(
  ledger: Ledger,
  accounts: ReadonlySet<string>,
  orders: readonly BatchOrder[],
  rules: ReadonlyMap<string, AccountRules> = new Map(),
): Promise<{ recorded: boolean; results: BatchResult[] }> {
  const entries = await Promise.all(
    orders.map((order) => (order.kind === 'refused' ? order : orRefused(() => entryOf(accounts, order.order)))),
  );
  const results: BatchResult[] = [];
  const record = (turn: RawBuilder<unknown>) =>
    ledger.transaction(async (tx) => {
      await sql`select ${turn}`.execute(tx.db);
      // Two batches that share quotes or identities lock them in the same order, so they cannot deadlock.
      const quoteIds = entries.flatMap((entry) =>
        entry.kind === 'order' && entry.request.quoteId !== null ? [entry.request.quoteId] : [],
      );
      if (quoteIds.length > 0) {
        await tx.db.selectFrom('kpay.quotes').select('id').where('id', 'in', quoteIds).orderBy('id').forUpdate().execute();
      }
      for (const [index, entry] of inOrderOfLocks(entries)) {
        results[index] =
          entry.kind === 'refused' ? entry : await orRefused(() => acceptParsed(tx, entry.order, entry, rules).then(accepted));
      }
      if (results.some((result) => result.kind === 'refused')) throw new RolledBack();
    });
  try {
    // The externalIds and idempotency keys of two batches can cross, so that no order of locks fits both. Postgres then
    // aborts one batch, and it runs again after the other.
    await record(BESIDE_OTHERS).catch((error: unknown) => {
      if (Object(error).code !== DEADLOCK) throw error;
      return record(ALONE);
    });
    return { recorded: true, results };
  } catch (error) {
    if (error instanceof RolledBack) return { recorded: false, results };
    throw error;
  }
}

const DEADLOCK = '40P01';
const BATCHES = sql.lit(0x6b626174);
const BESIDE_OTHERS = sql`pg_advisory_xact_lock_shared(${BATCHES})`;
const ALONE = sql`pg_advisory_xact_lock(${BATCHES})`;

/** Ends a transaction whose work must be rolled back. */
export class RolledBack extends Error {
  override readonly name = 'RolledBack';
}

type Entry = ParsedOrder & { kind: 'order'; order: TransferOrder };

function accepted(acceptance: Acceptance): BatchResult {
  return { kind: 'accepted', ...acceptance };
}

async function entryOf(accounts: ReadonlySet<string>, order: TransferOrder): Promise<Entry> {
  return { kind: 'order', ...parseOrder(accounts, order), order };
}

/** Sorts by identity. Orders with the same identity keep their order, so the second one is the replay. */
function inOrderOfLocks(entries: readonly (Entry | Refusal)[]): [number, Entry | Refusal][] {
  const identityOf = (entry: Entry | Refusal) =>
    entry.kind === 'refused'
      ? ''
      : JSON.stringify([entry.order.account, entry.request.externalId, entry.order.idempotencyKey ?? null]);
  const keyed = [...entries.entries()].map(([index, entry]) => ({ index, entry, key: identityOf(entry) }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.index - b.index));
  return keyed.map(({ index, entry }) => [index, entry]);
}

async function orRefused<T>(work: () => Promise<T>): Promise<T | Refusal> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof InvalidRequest || error instanceof IdempotencyConflict || error instanceof SpendLimitExceeded) {
      return { kind: 'refused', refused: error };
    }
    throw error;
  }
}
