import type pg from 'pg';

/**
 * SQLSTATE read_only_sql_transaction: a demoted server, or `default_transaction_read_only`, answers a write with it.
 */
const READ_ONLY = '25006';
// A pool that only reads would never notice that its server was demoted.
const CHECK_EVERY_MS = 2_000;

/**
 * The server answers but takes no writes. It counts as away, because another server behind the same name may take them.
 */
export class ReadOnlyServer extends Error {
  override name = 'ReadOnlyServer';
  readonly code = READ_ONLY;

  constructor() {
    super('the server takes no writes: it is a standby, or default_transaction_read_only is on');
  }
}

/**
 * Sets every session setting on which our statements and their answers depend, whatever the database, the role or a
 * pooler sets, and refuses a server that takes no writes. It uses statements, because PgBouncer refuses unknown startup
 * parameters. It leaves default_transaction_read_only as it is, because operators use it to stop writes.
 *
 * @throws ReadOnlyServer
 */
export async function prepareSession(
  client: pg.ClientBase,
  limits: { statementTimeoutMs: number; idleInTransactionMs: number },
): Promise<void> {
  const settings = {
    datestyle: 'ISO, MDY',
    intervalstyle: 'postgres',
    timezone: 'UTC',
    extra_float_digits: '1',
    bytea_output: 'hex',
    client_encoding: 'UTF8',
    search_path: '"$user", public',
    standard_conforming_strings: 'on',
    default_transaction_isolation: 'read committed',
    statement_timeout: String(limits.statementTimeoutMs),
    idle_in_transaction_session_timeout: String(limits.idleInTransactionMs),
  };
  const calls = Object.entries(settings).map(([name, value]) => `set_config('${name}', '${value}', false)`);
  await client.query(`select ${calls.join(', ')}`);
  if (await isReadOnly(client)) throw new ReadOnlyServer();
}

export async function isReadOnly(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ value: string }>(`select current_setting('transaction_read_only') as value`);
  return rows[0]?.value === 'on';
}

/**
 * Drops all connections of a pool when its server takes no writes any more. It notices this when a write is refused,
 * and by a query on used connections every two seconds. New connections go where the name leads now.
 */
export function dropReadOnlySessions(pool: pg.Pool): void {
  const sessions = new Map<pg.PoolClient, { lent: boolean; checkedAtMs: number }>();
  const condemned = new WeakSet<pg.PoolClient>();

  const condemnAll = () => {
    for (const [client, { lent }] of sessions) {
      condemned.add(client);
      // A lent connection is dropped when its owner returns it, because its transaction may have begun while writes
      // were allowed.
      if (!lent) destroy(client);
    }
  };
  pool.on('connect', (client) => {
    sessions.set(client, { lent: true, checkedAtMs: performance.now() });
    (client as unknown as { connection: NodeJS.EventEmitter }).connection.on('errorMessage', ({ code }: { code?: string }) => {
      if (code === READ_ONLY && !condemned.has(client)) condemnAll();
    });
  });
  pool.on('remove', (client) => sessions.delete(client));
  pool.on('acquire', (client) => {
    const session = sessions.get(client);
    if (session) session.lent = true;
  });
  pool.on('release', (_error, client) => {
    const session = sessions.get(client);
    if (!session) return;
    session.lent = false;
    // The pool removes a client that is ending.
    if (condemned.has(client)) return void client.end().catch(() => {});
    const nowMs = performance.now();
    if (nowMs - session.checkedAtMs < CHECK_EVERY_MS) return;
    session.checkedAtMs = nowMs;
    // Queued on the client, so that it runs before its next owner's first query.
    isReadOnly(client).then(
      (readOnly) => {
        if (readOnly && !condemned.has(client)) condemnAll();
      },
      () => {},
    );
  });
}

function destroy(client: pg.PoolClient): void {
  (client as unknown as { connection: { stream: { destroy(error: Error): void } } }).connection.stream.destroy(
    new ReadOnlyServer(),
  );
}
