import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // A rate that was shown, and the floor for transfers made with this quote.
  await sql`
    create table kpay.quotes (
      id uuid primary key,
      account text not null,
      source_country text not null,
      destination_country text not null,
      currency text not null,
      destination_currency text not null,
      amount_minor bigint check (amount_minor > 0),
      rate numeric not null check (rate > 0),
      rate_asked_at timestamptz not null,
      floor numeric not null check (floor > 0 and floor <= rate),
      created_by text not null,
      created_at timestamptz not null,
      expires_at timestamptz not null,
      check (expires_at > created_at)
    )`.execute(db);
  // Unique: a quote can be used for one transfer.
  await sql`alter table kpay.transfers add column quote_id uuid unique references kpay.quotes`.execute(db);
}
