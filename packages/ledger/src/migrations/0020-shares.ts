import { type Kysely, sql } from 'kysely';

/**
 * An index to skip from one owner's corridor to the next among queued transfers. Fair sharing then takes as many steps
 * as there are such groups.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create index transfers_queued_shares on kpay.transfers
      (account, owner, source_country, destination_country, priority desc, created_at) include (due_at)
      where state = 'queued'`.execute(db);
  await sql`
    create index transfers_queued_longest on kpay.transfers (account, due_at) where state = 'queued'`.execute(db);
}
