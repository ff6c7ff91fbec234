import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { LedgerSchema } from './schema.ts';

/** A transaction and its time, which is taken once at its start. Inside it, await only `tx.db`. */
export interface LedgerTransaction {
  readonly db: Transaction<LedgerSchema>;
  readonly now: Date;
}

/** A single statement that is its own transaction, with one round trip. */
export interface LedgerStatement {
  readonly db: Kysely<LedgerSchema>;
  /** The statement's time. Null: the database's clock, read in the statement itself (timeOf). */
  readonly now: Date | null;
}

/** The ledger in Postgres or PGlite. */
export interface Ledger {
  /** For single reads outside a transaction. Throws inside one (law 10). */
  readonly db: Kysely<LedgerSchema>;
  /**
   * Runs `work` in one transaction, which commits when it returns and rolls back when it throws. Transactions cannot be
   * nested.
   */
  transaction<T>(work: (tx: LedgerTransaction) => Promise<T>): Promise<T>;
  /** Runs one statement that commits by itself. Not allowed inside a transaction. */
  statement<T>(run: (statement: LedgerStatement) => Promise<T>): Promise<T>;
  /** Resolves when a batch has waited long enough for more calls; at once when the ledger has a given time. */
  batchDelay(): Promise<void>;
}

/**
 * Begins a statement that many transfers need. Its text is always the same, so the database keeps its plan. Such a
 * statement names its columns: with `*` it would fail in a running process while a newer one adds a column. It writes
 * states as literals: a plan for any state cannot use an index for one state.
 */
export const prepared: RawBuilder<unknown> = sql.raw('/* prepared */');

/**
 * SQL for the time of a statement or, by default, of the database, in whole milliseconds as in Date. Read it only once
 * in a statement.
 */
export function timeOf({ now }: Pick<LedgerStatement, 'now'>): RawBuilder<Date> {
  return sql`coalesce(${now}::timestamptz, date_trunc('milliseconds', clock_timestamp()))`;
}

/**
 * SQL for a table with one column, `item`, and a row for each object. The planner always assumes one row. So tables
 * joined to it are read by index, even if they were nearly empty when the plan was made.
 */
export function rowsFromJson(objects: readonly object[]): RawBuilder<unknown> {
  return sql`(
    select item from unnest(array(select jsonb_array_elements(${JSON.stringify(objects)}::jsonb))) item
    where jsonb_typeof(item) = 'object'
  )`;
}

/**
 * How long a statement waits for a lock. It is shorter than the idle time that the runtime allows a transaction.
 * Otherwise the transactions of a frozen process would get the lock one after the other, and everybody else would wait
 * until each of them is ended.
 */
const LOCK_WITHIN_MS = 4_000;

/** About as long as a commit takes. Under load a transfer takes ten times as long. */
const BATCH_DELAY_MS = 5;

/**
 * Wraps a database that `migrateLedger` has prepared.
 *
 * @param now the time of every transaction; the database's clock by default. A simulation passes its own.
 */
export function createLedger(db: Kysely<LedgerSchema>, now?: () => Date): Ledger {
  const inside = new AsyncLocalStorage<true>();
  const assertOutside = () => {
    // On PGlite, which has one session, the call would wait for itself for ever. On Postgres it would see another
    // moment.
    if (inside.getStore()) throw new Error('inside a ledger transaction only its own client may be used');
  };
  return {
    get db() {
      assertOutside();
      return db;
    },
    async transaction(work) {
      assertOutside();
      return db.transaction().execute(async (trx) => {
        // clock_timestamp() truncated, not now(): Date keeps milliseconds only, and all values that we compare with it
        // must do the same.
        const time = now?.() ?? (await begin(trx));
        if (!time) throw new Error('the database returned no time');
        return inside.run(true, () => work({ db: trx, now: time }));
      });
    },
    async statement(run) {
      assertOutside();
      return run({ db, now: now?.() ?? null });
    },
    async batchDelay() {
      if (!now) await delay(BATCH_DELAY_MS);
    },
  };
}

/**
 * One round trip: the lock time-out and the time are read together, and BEGIN is sent with them because they have no
 * parameters.
 */
async function begin(trx: Transaction<LedgerSchema>): Promise<Date | undefined> {
  const { rows } = await sql<{ at: Date }>`
    select clock_timestamp() as at, set_config('lock_timeout', ${sql.lit(`${LOCK_WITHIN_MS}`)}, true)`.execute(trx);
  return rows[0]?.at;
}
