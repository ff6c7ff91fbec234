import { type Kysely, sql } from 'kysely';

/** Keys of the admin API. The key itself is stored nowhere, only a hash that proves possession. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table kpay.api_keys (
      id text primary key check (id ~ '^[0-9A-Za-z]{10}$'),
      hash text not null,
      name text not null,
      owner text not null check (owner ~ '^[a-z0-9][a-z0-9._-]{0,63}$' and owner not in ('admin', 'queue', 'worker')),
      scopes text[] not null check (cardinality(scopes) > 0),
      address_ranges text[],
      created_by text not null,
      created_at timestamptz not null,
      expires_at timestamptz,
      last_used_at timestamptz,
      revoked_at timestamptz,
      revoked_by text
    )`.execute(db);
}
