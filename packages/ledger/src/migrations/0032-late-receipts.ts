import { type Kysely, sql } from 'kysely';

/** Failed transfers whose money moved all the same, as a late receipt said: few, and a spend limit counts them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create index transfers_sent_after_all on kpay.transfers (account, currency, sent_at) include (amount_minor)
    where state = 'failed' and kpay_transfer_id is not null`.execute(db);
}
