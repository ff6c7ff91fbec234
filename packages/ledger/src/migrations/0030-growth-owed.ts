import { type Kysely, sql } from 'kysely';

/** What somebody decided while the copy of the epoch could not be read: the ledger grows for it when it can be. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table kpay.ledger add column growth_owed boolean not null default false`.execute(db);
}
