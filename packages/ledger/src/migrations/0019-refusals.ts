import { type Kysely, sql } from 'kysely';

/**
 * What KPay refused for a source wallet ('CMR') or a corridor ('CMR-SEN'), so that what waits behind it is held together and one
 * of them asks again (../../refusals.ts).
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table kpay.refusals (
      account text not null,
      key text not null,
      currency text not null,
      -- Whatever is more than this is held; whatever is not may try.
      limit_minor bigint not null,
      -- The smallest amount that was refused.
      refused_minor bigint not null,
      times integer not null,
      refused_at timestamptz not null,
      probe_at timestamptz not null,
      -- When one was last woken to probe.
      woken_at timestamptz,
      -- The least that KPay showed of the currency since.
      shown_minor bigint,
      primary key (account, key)
    )`.execute(db);
  // Whoever was refused once is woken by money like everybody else.
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
