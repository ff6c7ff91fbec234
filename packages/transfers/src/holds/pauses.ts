import { randomUUID } from 'node:crypto';
import type { Ledger, LedgerSchema, LedgerTransaction, PauseRow, TransferRow } from '@kpay/ledger';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { lockAccounts } from '../accounts/account-turn.ts';
import { InvalidRequest } from '../errors.ts';
import { type EpochWitness, noWitness } from '../restore/epoch-witness.ts';
import { recordDecision } from '../restore/record-decision.ts';
import { whyNoCorridor } from '../states/corridor.ts';
import { wakeUnpaused } from './wake-unpaused.ts';

/** What a pause stops. The tag is `scope`, as the API and the ledger call it. */
export type PauseScope =
  | { scope: 'all' }
  | { scope: 'account'; account: string }
  | { scope: 'corridor'; account: string; corridor: string };

/** How long a transfer rests under a pause without an end. Lifting the pause wakes it at once. */
const REST_MS = 60 * 60_000;

/**
 * Stops sends. The pause is a row of the ledger that every send reads in its own transaction. So it holds from the
 * moment this returns, even with the queue wiped or Redis down. It does not call back what was sent before.
 *
 * @throws InvalidRequest for an end that has passed, and for a corridor that no transfer can have.
 */
export async function pause(
  ledger: Ledger,
  scope: PauseScope,
  { by, reason, until = null }: { by: string; reason: string; until?: Date | null },
  witness: EpochWitness = noWitness,
): Promise<PauseRow> {
  const noCorridor = scope.scope === 'corridor' ? whyNoCorridor(scope.corridor) : undefined;
  if (noCorridor !== undefined) throw new InvalidRequest('corridor', noCorridor);
  return recordDecision(ledger, witness, async (tx) => {
    if (until !== null && until <= tx.now)
      throw new InvalidRequest('until', 'must be in the future: a pause that is over stops nothing');
    const account = scope.scope === 'all' ? null : scope.account;
    const corridor = scope.scope === 'corridor' ? scope.corridor : null;
    // Waits for sends of the account that are being committed now. Whichever comes second sees the other.
    await lockAccounts(tx, account);
    return tx.db
      .insertInto('kpay.pauses')
      .values({ id: randomUUID(), scope: scope.scope, account, corridor, reason, created_by: by, created_at: tx.now, until })
      .returningAll()
      .executeTakeFirstOrThrow();
  });
}

/**
 * Ends a pause and wakes the first transfers that it held; the sweep wakes the rest step by step. Undefined when no
 * such pause is in force.
 */
export async function liftPause(
  ledger: Ledger,
  id: string,
  by: string,
  witness: EpochWitness = noWitness,
): Promise<PauseRow | undefined> {
  return recordDecision(ledger, witness, async (tx) => {
    const lifted = await tx.db
      .updateTable('kpay.pauses')
      .set({ lifted_at: tx.now, lifted_by: by })
      .where('id', '=', id)
      .where('lifted_at', 'is', null)
      .returningAll()
      .executeTakeFirst();
    if (!lifted) return undefined;
    const accounts = lifted.account === null ? await accountNames(tx) : [lifted.account];
    for (const account of accounts) await wakeUnpaused(tx, account);
    await wakeUnconfirmed(tx, accounts, lifted.corridor);
    return lifted;
  });
}

/**
 * Wakes re-sends that met the pause. They were put off until its end, which may be an hour away. There are never many.
 */
async function wakeUnconfirmed(tx: LedgerTransaction, accounts: readonly string[], corridor: string | null): Promise<void> {
  if (accounts.length === 0) return;
  const [source, destination] = corridor?.split('-') ?? [];
  let paused = tx.db
    .updateTable('kpay.transfers')
    .set({ due_at: tx.now })
    .where('account', 'in', accounts)
    .where('state', '=', 'unconfirmed')
    .where('lease_until', 'is', null)
    .where('due_at', '>', tx.now);
  if (source !== undefined && destination !== undefined) {
    paused = paused.where('source_country', '=', source).where('destination_country', '=', destination);
  }
  await paused.execute();
}

/** Finds a pause, in force or not. */
export async function findPauseRow(ledger: Ledger, id: string): Promise<PauseRow | undefined> {
  return ledger.db.selectFrom('kpay.pauses').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Lists the pauses in force, the oldest first. */
export async function listPauses(ledger: Ledger): Promise<PauseRow[]> {
  return ledger.transaction((tx) =>
    tx.db
      .selectFrom('kpay.pauses')
      .selectAll()
      .where('lifted_at', 'is', null)
      .where((it) => it.or([it('until', 'is', null), it('until', '>', tx.now)]))
      .orderBy('created_at')
      .execute(),
  );
}

/** What a send must know about the pause that stops it. */
export type PauseInForce = Pick<PauseRow, 'created_by' | 'reason' | 'until'>;

/**
 * SQL for the pause that keeps a transfer from being sent at a given time: a subquery that gives one JSON object or
 * null. The transfer's columns are passed as SQL, so that the pause can be read together with the row.
 */
export function pauseInForce(
  transfer: Record<'account' | 'source_country' | 'destination_country', RawBuilder<unknown>>,
  at: RawBuilder<unknown>,
): RawBuilder<unknown> {
  return sql`(
    select json_build_object('created_by', created_by, 'reason', reason, 'until', until) from kpay.pauses p
    where lifted_at is null and (until is null or until > ${at})
      and (
        scope = 'all'
        or (scope = 'account' and p.account = ${transfer.account})
        or (
          scope = 'corridor' and p.account = ${transfer.account}
          and p.corridor = ${transfer.source_country} || '-' || ${transfer.destination_country}
        )
      )
    order by created_at limit 1
  )`;
}

/** Parses a pause that pauseInForce returned. */
export function readPause(found: (Omit<PauseInForce, 'until'> & { until: string | null }) | null): PauseInForce | undefined {
  return found ? { ...found, until: found.until === null ? null : new Date(found.until) } : undefined;
}

/** The pause that would stop a transfer now, for a caller that reads nothing else. */
export async function findPause(db: Kysely<LedgerSchema>, transfer: TransferRow, now: Date): Promise<PauseInForce | undefined> {
  const columns = {
    account: sql`${transfer.account}::text`,
    source_country: sql`${transfer.source_country}::text`,
    destination_country: sql`${transfer.destination_country}::text`,
  };
  const { rows } = await sql<{ pause: Parameters<typeof readPause>[0] }>`
    select ${pauseInForce(columns, sql`${now}::timestamptz`)} as pause`.execute(db);
  return readPause(rows[0]?.pause ?? null);
}

/** The oldest pause in force for the whole account, not only for a corridor. */
export async function pauseOverAccount(db: Kysely<LedgerSchema>, account: string, now: Date): Promise<PauseRow | undefined> {
  return db
    .selectFrom('kpay.pauses')
    .selectAll()
    .where('lifted_at', 'is', null)
    .where((it) => it.or([it('until', 'is', null), it('until', '>', now)]))
    .where('corridor', 'is', null)
    .where((it) => it.or([it('account', 'is', null), it('account', '=', account)]))
    .orderBy('created_at')
    .limit(1)
    .executeTakeFirst();
}

/** The hold that a pause causes. */
export function pauseHold(found: PauseInForce, now: Date): { code: 'paused'; reason: string; until: Date } {
  const until = found.until ?? new Date(now.getTime() + REST_MS);
  return { code: 'paused', reason: `paused by ${found.created_by}: ${found.reason}`, until };
}

async function accountNames({ db }: LedgerTransaction): Promise<string[]> {
  const accounts = await db.selectFrom('kpay.accounts').select('name').orderBy('name').execute();
  return accounts.map(({ name }) => name);
}
