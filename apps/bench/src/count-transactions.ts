import pg from 'pg';

/**
 * The committed transactions of a database so far, read-only ones included. A session is counted for certain only when
 * it has ended, so call this at the end.
 */
export async function countTransactions(url: string): Promise<number> {
  // From another database, so that this session is not counted.
  const outside = new URL(url);
  const name = outside.pathname.slice(1);
  outside.pathname = '/template1';
  const client = new pg.Client({ connectionString: outside.toString() });
  await client.connect();
  try {
    const { rows } = await client.query<{ commits: string }>(
      'select xact_commit as commits from pg_stat_database where datname = $1',
      [name],
    );
    return Number(rows[0]?.commits);
  } finally {
    await client.end();
  }
}
