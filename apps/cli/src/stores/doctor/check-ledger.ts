import { readSchemaState } from '@kpay/ledger';
import type { Database } from '@kpay/runtime';
import { createLedger, type Ledger, type LedgerSchema } from '@kpay/transfers';
import { compareEpoch, type EpochWitness } from '@kpay/transfers/worker';
import type { Finding } from './finding.ts';

export interface CheckedLedger {
  findings: Finding[];
  /** Undefined when there is none that this release understands. */
  ledger: Ledger | undefined;
}

/** Whether the ledger is one of this release. Nothing is migrated: that is the apps' part, at their start. */
export async function checkLedger(database: Database): Promise<CheckedLedger> {
  const check = 'schema';
  const db = database.kysely<LedgerSchema>();
  const { missing, unknown, exists } = await readSchemaState(db);
  if (unknown.length > 0) {
    const what = `the ledger is of a newer release (${unknown.join(', ')}): this one does not start on it`;
    return {
      findings: [{ check, verdict: 'wrong', what, fix: 'install that release, or set DATABASE_URL to another database' }],
      ledger: undefined,
    };
  }
  const lacking = missing.length > 0 ? await lackingRight(database) : undefined;
  if (lacking) return { findings: [lacking], ledger: undefined };
  if (!exists) {
    const what =
      'there is no ledger in this database yet: kpay migrate makes it, or the first app that starts with the role that owns it';
    return { findings: [{ check, verdict: 'warning', what }], ledger: undefined };
  }
  if (missing.length > 0) {
    const what = `the ledger is of an older release: kpay migrate does ${missing.join(', ')}, or the next app that starts with the role that owns it`;
    return {
      findings: [{ check, verdict: 'warning', what, fix: 'back it up, then: kpay migrate' }],
      ledger: undefined,
    };
  }
  return { findings: [{ check, verdict: 'good', what: 'up to date' }], ledger: createLedger(db) };
}

/** Whether the extension of the ledger's searches is there, or a migration could make it. Nothing is made. */
async function lackingRight(database: Database): Promise<Finding | undefined> {
  const { rows } = await database.pool.query<{ installed: boolean; available: boolean; may: boolean; trusted: boolean }>(
    `select exists (select from pg_extension where extname = 'pg_trgm') as installed,
       exists (select from pg_available_extensions where name = 'pg_trgm') as available,
       has_database_privilege(current_database(), 'CREATE') as may,
       coalesce((select bool_or(trusted) from pg_available_extension_versions where name = 'pg_trgm'), false)
         or (select rolsuper from pg_roles where rolname = current_user) as trusted`,
  );
  const [found] = rows;
  if (!found || found.installed) return undefined;
  const check = 'pg_trgm';
  if (!found.available) {
    const what = 'Postgres has not the extension pg_trgm, which the ledger needs: no app can make the ledger';
    return { check, verdict: 'wrong', what, fix: "install Postgres' contrib package on its machine" };
  }
  if (found.may && found.trusted) return undefined;
  const what = 'the role of DATABASE_URL may not make the extension pg_trgm: it cannot make or change the ledger';
  return { check, verdict: 'wrong', what, fix: 'as the owner of the database: kpay migrate' };
}

/** Whether the ledger was restored from a backup, or its epoch witness is another one's. */
export async function checkEpoch(ledger: Ledger, witness: EpochWitness): Promise<Finding> {
  const check = 'epoch';
  const { verdict, epoch, witnessed } = await compareEpoch(ledger, witness);
  switch (verdict) {
    case 'restored':
      return {
        check,
        verdict: 'wrong',
        what: `the ledger was restored from a backup (it is at epoch ${epoch}${witnessed === undefined ? '' : `, ${witnessed} was seen`}): nothing is sent`,
        fix: 'kpay restore finish   # after docs/runbook.md',
      };
    case 'foreign':
      return {
        check,
        verdict: 'wrong',
        what: `${witness.where} belongs to another ledger than this database: no worker starts`,
        fix: 'set DATABASE_URL and REDIS_URL to those that belong together; if this database takes the other one’s place: kpay restore finish',
      };
    case 'agree':
      return {
        check,
        verdict: 'good',
        what: `${epoch}${witnessed === undefined ? ', not witnessed yet: a worker does that at its start' : ''}`,
      };
  }
}

/** Transfers that wait for a person. */
export async function checkReviews(ledger: Ledger): Promise<Finding> {
  const { count } = await ledger.db
    .selectFrom('kpay.transfers')
    .select((it) => it.fn.countAll<string>().as('count'))
    .where('state', '=', 'review')
    .executeTakeFirstOrThrow();
  return reviewsFinding(Number(count));
}

export function reviewsFinding(count: number): Finding {
  const check = 'reviews';
  if (count === 0) return { check, verdict: 'good', what: 'none waits for a person' };
  return {
    check,
    verdict: 'warning',
    what: `${count} transfers in review wait for a person, and nobody knows whether their money moved`,
    fix: 'kpay transfer list --state review   # then docs/runbook.md',
  };
}
