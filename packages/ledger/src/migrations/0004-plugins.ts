import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // When the transfer was last sent. Spend limits count by it.
  await sql`alter table kpay.transfers add column sent_at timestamptz`.execute(db);
  await sql`
    update kpay.transfers t set sent_at = (select max(started_at) from kpay.attempts a where a.transfer_id = t.id)
    where attempts > 0`.execute(db);
  await sql`
    create index transfers_sent on kpay.transfers (account, currency, sent_at) include (amount_minor)
    where state in ('submitting', 'unconfirmed', 'review', 'succeeded')`.execute(db);

  // The last event that each sink received, and the process that delivers to it.
  await sql`
    create table kpay.sinks (
      name text primary key,
      told_id bigint not null default 0,
      -- Every event up to safe_id is decided once all transactions before safe_xid have ended.
      safe_id bigint not null default 0,
      safe_xid xid8,
      holder text,
      lease_until timestamptz,
      failures integer not null default 0,
      retry_at timestamptz
    )`.execute(db);
}
