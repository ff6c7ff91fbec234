import { AsyncLocalStorage } from 'node:async_hooks';
import { type ConnectionProvider, DefaultQueryExecutor, Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { statementPool } from './statement-pool.ts';

/** An open ledger database, Postgres or PGlite, with the same interface for both. */
export interface Database {
  /** Real `pg` clients in both modes: bigint arrives as a string, a timestamp as a Date. */
  pool: pg.Pool;
  /** A typed query builder over the pool. Queries name the schema: `kpay.transfer`. */
  kysely<Schema>(): Kysely<Schema>;
  /** Waits for running queries, then closes. Safe to call twice. */
  close(): Promise<void>;
}

/** A second client was requested inside a transaction. This is a bug in the caller; the transaction is rolled back. */
export class SecondClient extends Error {
  override name = 'SecondClient';
}

/** A transaction awaited something that is not its client, for longer than allowed, and was rolled back. */
export class IdleTransaction extends Error {
  override name = 'IdleTransaction';
}

/**
 * How long an open transaction may be idle. It catches waits that `SecondClient` cannot see, such as for HTTP or for a
 * job. The session is taken from its owner, so that all others can go on.
 */
export const IDLE_IN_TRANSACTION_MS = 5_000;

interface Lease {
  open: boolean;
}

const leases = new AsyncLocalStorage<Lease>();

/**
 * A `pg.Pool` that refuses a second client to code inside a transaction of `createKysely`. On PGlite, which has one
 * session, the transaction would wait for itself for ever. On Postgres it would wait once the pool is empty, and what
 * the second client wrote would remain after a rollback. The guard recognises the caller instead of limiting the wait,
 * because a time limit would also hit callers that only stand in a long queue.
 */
export class GuardedPool extends pg.Pool {
  constructor(options: pg.PoolConfig, onError: (error: Error) => void) {
    super(options);
    this.on('error', onError);
    // pg-pool listens only to idle clients. Without this listener, a connection lost during a transaction ends the
    // process.
    this.on('connect', (client) => client.on('error', onError));
    // Queued on the client, so that it runs before its next owner's first query.
    this.on('release', (_error, client) => {
      const status = client.getTransactionStatus();
      if (status === 'T' || status === 'E') client.query('ROLLBACK').catch(() => {});
    });
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: Parameters<pg.Pool['connect']>[0]): void;
  override connect(callback?: Parameters<pg.Pool['connect']>[0]): Promise<pg.PoolClient> | undefined {
    if (leases.getStore()?.open) {
      const refusal = new SecondClient(
        'inside a transaction only its own client may be awaited, but a second client was requested',
      );
      if (!callback) return Promise.reject(refusal);
      process.nextTick(callback, refusal, undefined, () => {});
      return undefined;
    }
    if (!callback) {
      return super.connect().then((client) => {
        this.lend(client);
        return client;
      });
    }
    super.connect((error, client, release) => {
      if (client) this.lend(client);
      callback(error, client, client?.release ?? release);
    });
    return undefined;
  }

  /** Called with each client right before its owner gets it. */
  protected lend(_client: pg.PoolClient): void {}
}

/**
 * Makes a query builder. The pool's guard recognises its transaction callbacks as inside a transaction.
 *
 * @param prepares whether each connection keeps its own prepared statements.
 */
export function createKysely<Schema>(pool: pg.Pool, { prepares = false }: { prepares?: boolean } = {}): Kysely<Schema> {
  const dialect = new PostgresDialect({ pool: statementPool(pool, { prepares }) });
  const driver = dialect.createDriver();
  const ready = driver.init();
  const connections: ConnectionProvider = {
    async provideConnection(consume, options) {
      await ready;
      const connection = await driver.acquireConnection(options);
      const lease = { open: true };
      try {
        return await leases.run(lease, () => consume(connection));
      } finally {
        // From here on, code that the callback left running is outside the transaction.
        lease.open = false;
        await driver.releaseConnection(connection, options);
      }
    },
  };
  const executor = new DefaultQueryExecutor(dialect.createQueryCompiler(), dialect.createAdapter(), connections);
  return new Kysely<Schema>({ config: { dialect }, dialect, driver, executor });
}
