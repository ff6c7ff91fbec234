import { type Kysely, sql } from 'kysely';

/**
 * One replay of a transfer at a time, and none after one that succeeded. Replays made before this migration stay as
 * they are.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{
    now: string;
  }>`select to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as now`.execute(db);
  const since = sql.lit(rows[0]?.now ?? '');
  await sql`
    create unique index transfers_one_replay on kpay.transfers (replay_of)
    where replay_of is not null and state not in ('failed', 'rejected', 'cancelled', 'expired')
      and created_at > timestamptz ${since}`.execute(db);
}
