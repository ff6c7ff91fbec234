import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import type pg from 'pg';

/** The beginning of a statement whose text never changes and which names its columns. It is planned only once. */
export const PREPARED = '/* prepared */';

type Result = PostgresQueryResult<unknown>;

/**
 * A pool for kysely with fewer and cheaper round trips. BEGIN is sent together with the first statement when that has
 * no parameters, as the statement that reads a transaction's time. Statements that begin with PREPARED are parsed and
 * planned once for each connection.
 *
 * @param prepares false when connections keep no prepared statements; each statement is then planned as it comes.
 */
export function statementPool(pool: pg.Pool, { prepares }: { prepares: boolean }): PostgresPool {
  const clients = new WeakMap<pg.PoolClient, PostgresPoolClient>();
  // The texts are few and fixed, because no value is ever written into one.
  const names = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    if (!prepares || !text.startsWith(PREPARED)) return undefined;
    const name = names.get(text) ?? `kpay-${names.size + 1}`;
    names.set(text, name);
    return name;
  };
  return {
    options: pool.options,
    async connect() {
      const client = await pool.connect();
      const known = clients.get(client) ?? statementClient(client, nameOf);
      clients.set(client, known);
      return known;
    },
    end: () => pool.end(),
  };
}

function statementClient(client: pg.PoolClient, nameOf: (text: string) => string | undefined): PostgresPoolClient {
  // BEGIN was requested but not sent yet.
  let beginning = false;

  async function query(text: string, values: readonly unknown[] = []): Promise<Result> {
    if (text === 'begin') {
      beginning = true;
      return { command: 'SELECT', rowCount: 0, rows: [] };
    }
    if (!beginning) return run(text, values);
    beginning = false;
    if (text === 'commit' || text === 'rollback') return { command: 'COMMIT', rowCount: 0, rows: [] };
    if (values.length > 0) {
      await client.query('begin');
      return run(text, values);
    }
    const [, first] = (await client.query(`begin; ${text}`)) as unknown as [unknown, Result];
    return first;
  }

  async function run(text: string, values: readonly unknown[]): Promise<Result> {
    const name = nameOf(text);
    return (await client.query({ text, values: [...values], ...(name !== undefined && { name }) })) as unknown as Result;
  }

  return {
    query: query as unknown as PostgresPoolClient['query'],
    release(destroy) {
      beginning = false;
      client.release(destroy);
    },
  };
}
