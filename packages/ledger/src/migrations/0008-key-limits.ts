import { type Kysely, sql } from 'kysely';

/** What a key of the admin API may make and how often it may ask. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table kpay.api_keys
      add column spend_limits jsonb,
      add column requests_per_minute integer check (requests_per_minute > 0)`.execute(db);
  // Set where the key that made it has limits, and only there. Keys are never deleted, so nothing need be referred to.
  await sql`alter table kpay.transfers add column api_key_id text`.execute(db);
  await sql`
    create index transfers_of_api_key on kpay.transfers (api_key_id, currency, created_at) include (state, amount_minor)
      where api_key_id is not null`.execute(db);
}
