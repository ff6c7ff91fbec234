import { type Kysely, sql } from 'kysely';

/**
 * An index of failed transfers whose money moved after all, as a late receipt showed. There are few, and spend limits
 * count them.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create index transfers_sent_after_all on kpay.transfers (account, currency, sent_at) include (amount_minor)
    where state = 'failed' and kpay_transfer_id is not null`.execute(db);
}
