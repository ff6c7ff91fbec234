import pg from 'pg';

/**
 * Transactions committed in a database so far, those that only read among them. Sessions count for certain only when
 * they have ended, so this is asked at the end.
 */
export async function countTransactions(url: string): Promise<number> {
  // From outside, so that this session is not counted.
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
