import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '@kpay/testkit';
import pg from 'pg';
import type { KeptApp } from './kept-app.ts';
import { withDatabase } from './with-database.ts';

/** Longer than the lease of 45 s. */
export const FREEZE_MS = 50_000;
const COMMIT_TAKES_S = 0.5;
const CAUGHT_WITHIN_MS = 15_000;

/**
 * Installs a trigger that makes commits of attempts slow enough to freeze the process in the middle, and records the
 * time of each such commit.
 */
export async function installHeldCommits(databaseUrl: string): Promise<void> {
  await withDatabase(databaseUrl, (client) =>
    client.query(`
      create schema chaos;
      create table chaos.victims (pid integer);
      create table chaos.commits (transfer_id uuid, number integer, at timestamptz, primary key (transfer_id, number));
      create function chaos.hold_commit() returns trigger language plpgsql as $$
      begin
        if exists (select from chaos.victims v where new.worker like '%-' || v.pid || '-%') then
          perform pg_sleep(${COMMIT_TAKES_S});
        end if;
        insert into chaos.commits values (new.transfer_id, new.number, clock_timestamp());
        return null;
      end $$;
      -- Deferred: it runs inside COMMIT.
      create constraint trigger hold_commit after insert on kpay.attempts deferrable initially deferred
        for each row execute function chaos.hold_commit()`),
  );
}

/** What a frozen worker had under way, and what became of it. */
export interface Freeze {
  underWay: number;
  /** Among them: frozen between the commit of `submitting` (or of a re-send) and its request. */
  beforeRequest: number;
  /** Given up by other workers when the lease had ended, before the process woke. */
  takenOver: number;
  /** Among those before their request: on waking, the check of the lease stopped them, and they recorded that. */
  leaseTooShort: number;
}

/**
 * Stops a worker in the moment in which Postgres commits one of its attempts. So it wakes up between the commit and the
 * request, past its lease. Undefined when it began no attempt in time.
 */
export async function freezeInSend(worker: KeptApp, databaseUrl: string): Promise<Freeze | undefined> {
  worker.frozen = true;
  try {
    const frozenAt = await stopWhileCommitting(worker, databaseUrl);
    return frozenAt === undefined ? undefined : await watchFrozen(worker, databaseUrl, frozenAt);
  } finally {
    worker.thaw();
    worker.frozen = false;
  }
}

async function watchFrozen(worker: KeptApp, databaseUrl: string, frozenAt: Date): Promise<Freeze | undefined> {
  const thawAt = performance.now() + FREEZE_MS;
  const own = await eventually(() => attemptsUnderWay(databaseUrl, worker.pid, frozenAt), {
    timeoutMs: 30_000,
    everyMs: 500,
  }).catch(() => undefined);
  // Postgres restarted in that very moment, and there was no commit.
  if (!own) return undefined;
  await delay(thawAt - performance.now());
  // Postgres may restart at any moment.
  const endsNow = () => eventually(() => endsOf(databaseUrl, own), { timeoutMs: 30_000, everyMs: 500 });
  const before = await endsNow();
  worker.thaw();
  const after = await eventually(
    async () => {
      const ends = await endsOf(databaseUrl, own);
      if (ends.some(({ held, detail }) => held && detail === 'lease_expired'))
        throw new Error('it has not written its news down');
      return ends;
    },
    { timeoutMs: 3_000, everyMs: 200 },
  ).catch(endsNow);
  return {
    underWay: own.length,
    beforeRequest: own.filter(({ held }) => held).length,
    takenOver: before.filter(({ detail }) => detail === 'lease_expired').length,
    leaseTooShort: after.filter(({ held, detail }) => held && detail === 'lease_too_short').length,
  };
}

/** When it was stopped; undefined when there was no commit. */
async function stopWhileCommitting(worker: KeptApp, databaseUrl: string): Promise<Date | undefined> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('insert into chaos.victims values ($1)', [worker.pid]);
    await eventually(
      async () => {
        const { rowCount } = await client.query(
          `select from pg_stat_activity where wait_event = 'PgSleep' and pid <> pg_backend_pid()`,
        );
        if (rowCount === 0) throw new Error('nobody commits an attempt');
      },
      { timeoutMs: CAUGHT_WITHIN_MS, everyMs: 10 },
    );
    worker.freeze();
    return new Date();
  } catch {
    // Postgres restarts, or nothing is sent at the moment.
    return undefined;
  } finally {
    await client.end().catch(() => {});
    await eventually(() => withDatabase(databaseUrl, (each) => each.query('delete from chaos.victims')), { timeoutMs: 30_000 });
  }
}

interface OwnAttempt {
  transfer_id: string;
  number: number;
  held: boolean;
}

/** Also those whose commit is still on its way when the process is frozen. */
async function attemptsUnderWay(databaseUrl: string, pid: number, frozenAt: Date): Promise<OwnAttempt[]> {
  await delay(1_000 * COMMIT_TAKES_S);
  const { rows } = await withDatabase(databaseUrl, (client) =>
    client.query<OwnAttempt>(
      `select a.transfer_id, a.number, c.at > $2 as held
         from kpay.attempts a join chaos.commits c using (transfer_id, number)
        where a.worker like '%-' || $1::text || '-%' and a.ended_at is null`,
      [pid, frozenAt],
    ),
  );
  if (!rows.some(({ held }) => held)) throw new Error('the commit is still under way');
  return rows;
}

async function endsOf(databaseUrl: string, own: readonly OwnAttempt[]): Promise<(OwnAttempt & { detail: string | null })[]> {
  const { rows } = await withDatabase(databaseUrl, (client) =>
    client.query<OwnAttempt & { detail: string | null }>(
      `select o.transfer_id, o.number, o.held, a.detail
         from jsonb_to_recordset($1) as o(transfer_id uuid, number integer, held boolean)
         join kpay.attempts a using (transfer_id, number)`,
      [JSON.stringify(own)],
    ),
  );
  return rows;
}
