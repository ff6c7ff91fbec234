import { AsyncLocalStorage } from 'node:async_hooks';
import { type ConnectionProvider, DefaultQueryExecutor, Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { statementPool } from './statement-pool.ts';

/** An open ledger database, Postgres or PGlite: the same face for both. */
export interface Database {
  /** Real `pg` clients in both modes: bigint arrives as a string, a timestamp as a Date. */
  pool: pg.Pool;
  /** A typed query builder over the pool. Schemas are named in the queries: `kpay.transfer`. */
  kysely<Schema>(): Kysely<Schema>;
  /** Waits for what runs, then closes. Safe to call twice. */
  close(): Promise<void>;
}

/** A second client was asked for inside a transaction. A bug in the caller: the transaction is rolled back. */
export class SecondClient extends Error {
  override name = 'SecondClient';
}

/** A transaction awaited something that is not its client, for longer than allowed, and was rolled back. */
export class IdleTransaction extends Error {
  override name = 'IdleTransaction';
}

/**
 * How long an open transaction may do nothing. It is what catches a wait that `SecondClient` cannot see, such as for
 * HTTP or for a job: the session is taken from its owner, so that the others, who are innocent, go on.
 */
export const IDLE_IN_TRANSACTION_MS = 5_000;

interface Lease {
  open: boolean;
}

const leases = new AsyncLocalStorage<Lease>();

/**
 * A `pg.Pool` that refuses a second client to whoever is inside a transaction of `createKysely`. On PGlite, which
 * has one session, the transaction would wait for itself for ever; on Postgres it would once the pool is empty, and
 * what the second client writes would stay after a rollback. The guard looks at the caller, not at a clock: a limit
 * on the wait would also strike those who only stand in a long queue.
 */
export class GuardedPool extends pg.Pool {
  constructor(options: pg.PoolConfig, onError: (error: Error) => void) {
    super(options);
    this.on('error', onError);
    // pg-pool listens to idle clients only: without this a connection lost in mid-transaction ends the process.
    this.on('connect', (client) => client.on('error', onError));
    // Queued on the client before its next owner can ask anything of it.
    this.on('release', (_error, client) => {
      const status = client.getTransactionStatus();
      if (status === 'T' || status === 'E') client.query('ROLLBACK').catch(() => {});
    });
  }

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: Parameters<pg.Pool['connect']>[0]): void;
  override connect(callback?: Parameters<pg.Pool['connect']>[0]): Promise<pg.PoolClient> | undefined {
    if (leases.getStore()?.open) {
      const refusal = new SecondClient('inside a transaction only its own client may be awaited, and a second one was asked for');
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
 * A query builder whose callbacks are known to the pool's guard to be inside a transaction.
 *
 * @param prepares whether its connections keep prepared statements, each of them its own.
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
        // What the callback left running behind itself is outside the transaction from here on.
        lease.open = false;
        await driver.releaseConnection(connection, options);
      }
    },
  };
  const executor = new DefaultQueryExecutor(dialect.createQueryCompiler(), dialect.createAdapter(), connections);
  return new Kysely<Schema>({ config: { dialect }, dialect, driver, executor });
}
