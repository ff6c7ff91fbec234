import type { Ledger } from '@kpay/ledger';
import { sql } from 'kysely';

/** What an account has to do. `open`: transfers that go on by themselves, now or later. `held`: some of them wait in `holding`. */
export type Business = 'open' | 'held';

/**
 * Those of these accounts that have something to do: only they need sweeping, and only those with something held waking. It asks
 * three indexes once for each account, however many transfers wait.
 */
export async function findBusyAccounts(ledger: Ledger, accounts: readonly string[]): Promise<ReadonlyMap<string, Business>> {
  // A constraint of the table: whatever goes on by itself has a time when it is due.
  const { rows } = await sql<{ name: string; business: Business }>`
    select asked.name, found.business from unnest(${accounts}::text[]) as asked(name)
    cross join lateral (
      (select 'held' as business from kpay.transfers where account = asked.name and state = 'holding' limit 1)
      union all
      (select 'open' from kpay.transfers where account = asked.name and state = 'queued' limit 1)
      union all
      (select 'open' from kpay.transfers where account = asked.name and due_at is not null and state <> 'queued' limit 1)
      limit 1
    ) found`.execute(ledger.db);
  return new Map(rows.map(({ name, business }) => [name, business]));
}
