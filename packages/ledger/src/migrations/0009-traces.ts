import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // W3C trace contexts, null when nothing was traced: of the request that accepted the transfer, and of the last step.
  // Later steps, in whichever process, join the first and link to the second.
  await sql`
    alter table kpay.transfers
      add column accepted_trace text check (accepted_trace ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$'),
      add column moved_trace text check (moved_trace ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$')`.execute(db);
}
