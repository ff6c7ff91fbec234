import type { Ledger } from '@kpay/ledger';
import { sql } from 'kysely';

/** What an account has to do. `active`: transfers that proceed by themselves. `held`: at least one of them is `holding`. */
export type AccountActivity = 'active' | 'held';

/**
 * Finds the accounts that have something to do. Only they need a sweep, and only those with something held need waking. It
 * reads three indexes once for each account, however many transfers wait.
 */
export async function findAccountActivity(
  ledger: Ledger,
  accounts: readonly string[],
): Promise<ReadonlyMap<string, AccountActivity>> {
  // By a constraint of the table, every transfer that proceeds by itself has a due time.
  const { rows } = await sql<{ name: string; activity: AccountActivity }>`
    select asked.name, found.activity from unnest(${accounts}::text[]) as asked(name)
    cross join lateral (
      (select 'held' as activity from kpay.transfers where account = asked.name and state = 'holding' limit 1)
      union all
      (select 'active' from kpay.transfers where account = asked.name and state = 'queued' limit 1)
      union all
      (select 'active' from kpay.transfers where account = asked.name and due_at is not null and state <> 'queued' limit 1)
      limit 1
    ) found`.execute(ledger.db);
  return new Map(rows.map(({ name, activity }) => [name, activity]));
}
