import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type { LedgerSchema } from './schema.ts';

/** One transaction and its time, taken once at its start. Inside it nothing may be awaited but `tx.db`. */
export interface LedgerTransaction {
  readonly db: Transaction<LedgerSchema>;
  readonly now: Date;
}

/** A single statement that is a transaction of its own: its round trip is the only one. */
export interface LedgerStatement {
  readonly db: Kysely<LedgerSchema>;
  /** Its time; null: the database's clock, read in the statement itself (timeOf). */
  readonly now: Date | null;
}

/** The ledger in Postgres or PGlite. */
export interface Ledger {
  /** For single reads outside a transaction. Throws inside one (law 10). */
  readonly db: Kysely<LedgerSchema>;
  /** Runs `work` in one transaction, committed when it returns and rolled back when it throws. None inside another. */
  transaction<T>(work: (tx: LedgerTransaction) => Promise<T>): Promise<T>;
  /** Runs one statement that commits by itself. None inside a transaction. */
  statement<T>(run: (statement: LedgerStatement) => Promise<T>): Promise<T>;
  /** Resolves after the moment for which a batch waits for more calls: at once where the time is given. */
  batchDelay(): Promise<void>;
}

/**
 * Begins a statement that many transfers need, with a text that is always the same: the database keeps its plan. Such a
 * statement names its columns, because `*` would break it for a process that runs on while a newer one adds a column, and
 * writes states as text, because a plan for any state can use no index that is for one.
 */
export const prepared: RawBuilder<unknown> = sql.raw('/* prepared */');

/** A time in whole milliseconds, as Date keeps them: the statement's own, or the database's. To be read once in a statement. */
export function timeOf({ now }: Pick<LedgerStatement, 'now'>): RawBuilder<Date> {
  return sql`coalesce(${now}::timestamptz, date_trunc('milliseconds', clock_timestamp()))`;
}

/**
 * A table of one column, `item`, with a row for each of these objects. The planner takes it for one row, whatever it holds,
 * so whatever is joined to it is looked up by its index, however few rows that had when the plan was made.
 */
export function rowsFromJson(objects: readonly object[]): RawBuilder<unknown> {
  return sql`(
    select item from unnest(array(select jsonb_array_elements(${JSON.stringify(objects)}::jsonb))) item
    where jsonb_typeof(item) = 'object'
  )`;
}

/**
 * How long a statement waits for a lock. Less than the runtime lets a transaction stand still: otherwise all transactions
 * of a frozen process get the lock one after the other, and everybody else waits for each of them to be ended.
 */
const LOCK_WITHIN_MS = 4_000;

/** About as long as a commit takes; a transfer under load takes ten times as long. */
const BATCH_DELAY_MS = 5;

/**
 * Wraps a database that `migrateLedger` has prepared.
 *
 * @param now the time of every transaction; the database's own clock unless given (a simulation gives its own).
 */
export function createLedger(db: Kysely<LedgerSchema>, now?: () => Date): Ledger {
  const inside = new AsyncLocalStorage<true>();
  const assertOutside = () => {
    // On PGlite, which has one session, it would wait for itself for ever; on Postgres it would see another moment.
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
        // clock_timestamp(), not now(): Date keeps milliseconds only, and so must everything we compare with it.
        const time = now?.() ?? (await begin(trx));
        if (!time) throw new Error('the database told no time');
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

/** One round trip, that of BEGIN: the limit rides along with the time, and both without parameters with BEGIN. */
async function begin(trx: Transaction<LedgerSchema>): Promise<Date | undefined> {
  const { rows } = await sql<{ at: Date }>`
    select clock_timestamp() as at, set_config('lock_timeout', ${sql.lit(`${LOCK_WITHIN_MS}`)}, true)`.execute(trx);
  return rows[0]?.at;
}
