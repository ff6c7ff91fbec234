import { Socket } from 'node:net';
import pg from 'pg';
import type { Logger } from 'pino';
import { reasonOf, StartError } from '../start-error.ts';
import { createKysely, type Database, GuardedPool, IDLE_IN_TRANSACTION_MS } from './database.ts';
import { dropReadOnlySessions, isReadOnly, prepareSession } from './writable-sessions.ts';

const OLDEST_MAJOR = 15;
const CONNECT_TIMEOUT_MS = 5_000;
// pg-pool counts the wait for a free client, too, and a long queue is no fault.
const CLIENT_TIMEOUT_MS = 30_000;
// A caller that waited this long for one statement gets an error. Postgres then cancels the statement.
const STATEMENT_TIMEOUT_MS = 10_000;
// An index over millions of rows takes long, and other starting processes wait for it.
const PREPARED_WITHIN_MS = 3_600_000;
// Added to the longest statement. Only a network that went silent takes longer.
const SILENT_AFTER_MS = 2_000;

export interface PostgresOptions {
  /** DATABASE_URL. */
  url: string;
  logger: Logger;
  /** The most connections this process holds. */
  maxClients?: number;
  /** How long a statement may take; 10 s by default. A server that is silent for 2 s longer counts as gone. */
  statementTimeoutMs?: number;
  /** Runs before anything else, for example migrations, on a separate connection whose statements may take an hour. */
  prepare?: (database: Database) => Promise<void>;
}

/**
 * Opens Postgres 15 or newer. It creates nothing; migrations do that.
 *
 * @throws StartError naming DATABASE_URL when the server does not answer, refuses, is too old, or takes no writes.
 */
export async function openPostgres(options: PostgresOptions): Promise<Database> {
  const { url, logger, maxClients = 10, statementTimeoutMs = STATEMENT_TIMEOUT_MS, prepare } = options;
  await checkServer(url);
  if (prepare) await prepareWith(prepare, { url, logger, maxClients: 1, statementTimeoutMs: PREPARED_WITHIN_MS });
  const onError = (error: Error) => logger.error({ err: error }, 'a connection to Postgres failed');
  const pool = new GuardedPool(
    {
      connectionString: url,
      max: maxClients,
      connectionTimeoutMillis: CLIENT_TIMEOUT_MS,
      idleTimeoutMillis: statementTimeoutMs,
      keepAlive: true,
      application_name: 'kpay',
      onConnect: (client) => {
        endWhenSilent(client as pg.PoolClient, statementTimeoutMs + SILENT_AFTER_MS);
        return prepareSession(client, { statementTimeoutMs, idleInTransactionMs: IDLE_IN_TRANSACTION_MS });
      },
    },
    onError,
  );
  dropReadOnlySessions(pool);
  let closing: Promise<void> | undefined;
  return { pool, kysely: () => createKysely(pool, { prepares: true }), close: () => (closing ??= pool.end()) };
}

async function prepareWith(prepare: (database: Database) => Promise<void>, options: PostgresOptions): Promise<void> {
  const database = await openPostgres(options);
  try {
    await prepare(database);
  } finally {
    await database.close();
  }
}

/**
 * Gives up a connection whose server went silent. Otherwise a statement waits for as long as the kernel repeats its
 * packets, a quarter of an hour, and one client of the pool after the other is lost. The whole connection is given up,
 * because a late answer on it would be taken for the answer to the next statement.
 */
function endWhenSilent({ connection: { stream } }: pg.PoolClient, afterMs: number): void {
  if (!(stream instanceof Socket)) return;
  const silent = Object.assign(new Error(`Postgres was silent for ${afterMs} ms`), { code: 'ETIMEDOUT' });
  stream.setTimeout(afterMs, () => stream.destroy(silent));
}

async function checkServer(url: string): Promise<void> {
  const { version, readOnly } = await readServer(url).catch((error: unknown) => {
    throw new StartError(`cannot connect to Postgres (${reasonOf(error)}): check DATABASE_URL and that the server runs`, {
      cause: error,
      fix: `psql "$DATABASE_URL" -c 'select 1'`,
    });
  });
  if (Math.floor(version.number / 10_000) < OLDEST_MAJOR) {
    throw new StartError(`DATABASE_URL leads to Postgres ${version.name}: use ${OLDEST_MAJOR} or newer`);
  }
  if (readOnly) {
    throw new StartError(
      'DATABASE_URL leads to a Postgres that takes no writes: use the primary, or turn default_transaction_read_only off',
      { fix: `psql "$DATABASE_URL" -c 'select pg_is_in_recovery()' -c 'show default_transaction_read_only'` },
    );
  }
}

async function readServer(url: string): Promise<{ version: { number: number; name: string }; readOnly: boolean }> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  // Later errors of a failed connection carry no information, and without a listener they would end the process.
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query<{ number: number; name: string }>(
      `select current_setting('server_version_num')::int as number, current_setting('server_version') as name`,
    );
    const [version] = rows;
    if (!version) throw new Error('it reports no version');
    return { version, readOnly: await isReadOnly(client) };
  } finally {
    await client.end();
  }
}
