import { type Kysely, sql } from 'kysely';

/** Indexes that keep 100,000 waiting transfers cheap: no query that runs every second reads more rows than it uses. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    // A whole backlog is due, so it is read in the order in which it is sent.
    `create index transfers_queued on kpay.transfers (account, priority desc, created_at) include (due_at) where state = 'queued'`,
    // Few transfers in other states are due at once, because waking is limited. Ended rows are in neither index.
    'drop index kpay.transfers_due',
    `create index transfers_due on kpay.transfers (account, due_at) where due_at is not null and state <> 'queued'`,
    'drop index kpay.transfers_held',
    `create index transfers_held on kpay.transfers (account, reason_code, priority desc, created_at) where state = 'holding'`,
    // For waking transfers that wait for money: the next in order, and whether there is enough for any.
    `create index transfers_without_funds on kpay.transfers (account, currency, priority desc, created_at) include (amount_minor)
      where state = 'holding' and reason_code = 'insufficient_funds' and not refused_before`,
    `create index transfers_without_funds_least on kpay.transfers (account, currency, amount_minor) include (due_at)
      where state = 'holding' and reason_code = 'insufficient_funds' and not refused_before`,
    `create index transfers_without_rate on kpay.transfers (account, currency, destination_currency, min_rate)
      where state = 'holding' and reason_code = 'rate_below_minimum'`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
