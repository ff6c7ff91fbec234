import { type Kysely, sql } from 'kysely';

/**
 * What KPay refused for a source wallet ('CMR') or a corridor ('CMR-SEN'). Transfers behind a refusal are held
 * together, and one of them asks KPay again (../../refusals.ts).
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table kpay.refusals (
      account text not null,
      key text not null,
      currency text not null,
      -- A transfer above this amount is held; one up to it may be tried.
      limit_minor bigint not null,
      -- The smallest refused amount.
      refused_minor bigint not null,
      times integer not null,
      refused_at timestamptz not null,
      probe_at timestamptz not null,
      -- When a transfer was last woken to probe.
      woken_at timestamptz,
      -- The lowest balance that KPay showed for the currency since.
      shown_minor bigint,
      primary key (account, key)
    )`.execute(db);
  // A transfer that was refused is woken by new money like any other.
  await sql`drop index kpay.transfers_without_funds`.execute(db);
  await sql`drop index kpay.transfers_without_funds_least`.execute(db);
  await sql`
    create index transfers_without_funds on kpay.transfers (account, currency, priority desc, created_at) include (amount_minor)
      where state = 'holding' and reason_code = 'insufficient_funds'`.execute(db);
  await sql`
    create index transfers_without_funds_least on kpay.transfers (account, currency, amount_minor)
      include (due_at, source_country, destination_country)
      where state = 'holding' and reason_code = 'insufficient_funds'`.execute(db);
}
