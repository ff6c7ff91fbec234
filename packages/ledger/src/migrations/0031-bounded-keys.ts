import { type Kysely, sql } from 'kysely';

/** Which accounts a key reaches, for which owners it may make keys, and which key caused an event. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table kpay.api_keys
      add column accounts text[] check (cardinality(accounts) > 0),
      add column may_make_for text[] check (cardinality(may_make_for) > 0),
      drop constraint api_keys_owner_check,
      -- A person known by an issuer makes keys in their own name, which is the issuer's address and the subject.
      add constraint api_keys_owner_check check (
        (owner ~ '^[a-z0-9][a-z0-9._-]{0,63}$' and owner not in ('admin', 'queue', 'worker'))
        or owner ~ '^https?://[^#]*#.'
      )`.execute(db);
  // created_by is the id of the maker. The index leads from a key to all keys below it.
  await sql`create index api_keys_made_by on kpay.api_keys (created_by)`.execute(db);
  await sql`alter table kpay.transfer_events add column key_id text`.execute(db);
}
