import { type Kysely, sql } from 'kysely';

/**
 * Indexes with which a list costs the same however many transfers there are. They are few, because every transition
 * must update each index.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  // An account's transfers by age. A list of all accounts goes through the accounts, which are few (find-transfers.ts).
  await sql`drop index kpay.transfers_newest`.execute(db);
  await sql`create index transfers_newest on kpay.transfers (account, created_at desc, id desc)`.execute(db);
  await sql`
    create index transfers_newest_of_corridor on kpay.transfers
      (source_country, destination_country, created_at desc, id desc)`.execute(db);
  await sql`create index transfers_amount on kpay.transfers (currency, amount_minor)`.execute(db);
  // In this order of columns the index also finds an externalId without its account.
  await sql`drop index kpay.transfers_external_id`.execute(db);
  await sql`
    create unique index transfers_external_id on kpay.transfers (external_id, account)
      where external_id is not null`.execute(db);
  // For any part of a reason. A transfer that is never held has no reason and costs nothing here.
  await sql`create extension if not exists pg_trgm schema kpay`.execute(db);
  const { rows } = await sql<{ schema: string }>`
    select quote_ident(nspname) as schema from pg_extension join pg_namespace n on n.oid = extnamespace
    where extname = 'pg_trgm'`.execute(db);
  const operators = sql.raw(`${rows[0]?.schema ?? 'kpay'}.gin_trgm_ops`);
  await sql`create index transfers_reason on kpay.transfers using gin (reason ${operators}) where reason is not null`.execute(db);
}
