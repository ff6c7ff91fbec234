import { type Kysely, sql } from 'kysely';

/**
 * A mark for decisions made while the epoch witness could not be read. The ledger's epoch grows for them once it can be
 * read.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table kpay.ledger add column growth_owed boolean not null default false`.execute(db);
}
