import { type Kysely, sql } from 'kysely';

/** A replay looks for all that were made of the same transfer; without this it reads the whole table. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index transfers_replays on kpay.transfers (replay_of) where replay_of is not null`.execute(db);
}
