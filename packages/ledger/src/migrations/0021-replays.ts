import { type Kysely, sql } from 'kysely';

/** A replay reads all replays of the same transfer. Without this index it would read the whole table. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index transfers_replays on kpay.transfers (replay_of) where replay_of is not null`.execute(db);
}
