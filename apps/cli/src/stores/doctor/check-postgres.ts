import { type Database, type Logger, openPostgres } from '@kpay/runtime';
import { type Finding, wrongFrom } from './finding.ts';

export interface CheckedPostgres {
  findings: Finding[];
  /** Undefined when no app could use it. */
  database: Database | undefined;
}

/** Settings without which a commit is not on the disk when Postgres says so. */
const DURABLE = ['synchronous_commit', 'fsync', 'full_page_writes'] as const;

/** Whether the apps would start on this Postgres, and whether it keeps what it has committed. */
export async function checkPostgres(url: string, logger: Logger): Promise<CheckedPostgres> {
  const check = 'postgres';
  try {
    const database = await openPostgres({ url, logger, maxClients: 2 });
    const { rows } = await database.pool.query<{ version: string; name: (typeof DURABLE)[number]; value: string }>(
      `select current_setting('server_version') as version, name, current_setting(name) as value
         from unnest($1::text[]) as name`,
      [DURABLE],
    );
    const off = rows.filter(({ value }) => value === 'off');
    const good: Finding = {
      check,
      verdict: 'good',
      what: `Postgres ${rows[0]?.version}${off.length === 0 ? ', commits are on the disk when it says so' : ''}`,
    };
    const unsafe = off.map(
      ({ name }): Finding => ({
        check: `postgres ${name}`,
        verdict: 'wrong',
        what: `${name} is off: a power cut can lose transfers that were accepted, and sends that were made`,
        fix: `psql "$DATABASE_URL" -c 'alter system set ${name} = on' -c 'select pg_reload_conf()'   # or where it is set for the role or database`,
      }),
    );
    return { findings: [good, ...unsafe], database };
  } catch (error) {
    return { findings: [wrongFrom(check, error)], database: undefined };
  }
}
