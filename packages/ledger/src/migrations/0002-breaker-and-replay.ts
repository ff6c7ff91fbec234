import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // How many sends of an account in a row ended without a definite answer (law 6).
  await sql`alter table kpay.accounts add column unknown_streak integer not null default 0 check (unknown_streak >= 0)`.execute(
    db,
  );
  await sql`alter table kpay.transfers add column replay_of uuid references kpay.transfers`.execute(db);
  // For waking transfers when a pause is lifted, a breaker closes or an observation changes.
  await sql`create index transfers_held on kpay.transfers (account, reason_code) where state = 'holding'`.execute(db);
}
