import { type Kysely, sql } from 'kysely';

/** How much a key of the admin API may create, and how often it may ask. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table kpay.api_keys
      add column spend_limits jsonb,
      add column requests_per_minute integer check (requests_per_minute > 0)`.execute(db);
  // Set only when the key that created the transfer has limits. Keys are never deleted, so no foreign key is needed.
  await sql`alter table kpay.transfers add column api_key_id text`.execute(db);
  await sql`
    create index transfers_of_api_key on kpay.transfers (api_key_id, currency, created_at) include (state, amount_minor)
      where api_key_id is not null`.execute(db);
}
