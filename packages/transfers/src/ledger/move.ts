import { type RawBuilder, sql } from 'kysely';
import { isFinal, type TransferState } from '../states.ts';
import { currentTraceparent } from '../trace-step.ts';
import { type LedgerStatement, prepared, timeOf } from './ledger.ts';
import { type TransferChanges, type TransferRow, transferColumns } from './schema.ts';

export interface Move {
  to: TransferState;
  /** What happened, for the event: a short snake_case word such as `submitting` or `held`. */
  type: string;
  /** Who did it: `worker`, a key's owner, a person. */
  actor: string;
  reasonCode?: string;
  reason?: string;
  /** Kept with the event: ages of inputs, attempt numbers, evidence. No secrets, no phone numbers. */
  detail?: Record<string, unknown>;
  set?: TransferChanges;
  /** What else must be true in the moment of the move. */
  onlyIf?: RawBuilder<boolean>;
  /** An attempt that begins with this move; its number and its lease are the row's. */
  begins?: { worker: string; bodyHash: string };
  /** The attempt that ends with this move. */
  ends?: EndedAttempt;
}

/** How an attempt ended. */
export interface EndedAttempt {
  number: number;
  outcome: string;
  status: number | null;
  detail: string | null;
}

/**
 * Moves a transfer on and writes the event that explains it, and the attempt that begins or ends with it, in one
 * statement. It is a compare-and-set on the version that `row` was read with: when somebody else moved the transfer
 * meanwhile, nothing at all is written and undefined comes back.
 *
 * What belongs to one state only is cleared unless `set` gives it: hold, lease, next due time.
 */
export async function move(
  tx: LedgerStatement,
  row: TransferRow,
  { set, onlyIf, begins, ends, ...step }: Move,
): Promise<TransferRow | undefined> {
  const changes: TransferChanges = {
    reason_code: step.reasonCode ?? null,
    reason: step.reason ?? null,
    hold_until: null,
    lease_until: null,
    due_at: null,
    moved_trace: currentTraceparent(),
    ...set,
    state: step.to,
    version: row.version + 1,
  };
  const assignments = Object.entries(changes).map(([column, value]) => sql`${sql.ref(column)} = ${value}`);
  const finishedAt = isFinal(step.to) ? sql`(select at from moment)` : sql`null`;
  const begun = begins
    ? sql`, attempt as (
        insert into kpay.attempts (transfer_id, number, account, worker, started_at, lease_until, body_hash)
        select id, attempts, account, ${begins.worker}::text, updated_at, lease_until, ${begins.bodyHash}::text from moved
      )`
    : sql``;
  const ended = ends
    ? sql`, ended as (
        update kpay.attempts a
        set ended_at = moved.updated_at, outcome = ${ends.outcome}, status = ${ends.status}, detail = ${ends.detail}
        from moved where a.transfer_id = moved.id and a.number = ${ends.number}
      )`
    : sql``;
  const { rows } = await sql<TransferRow>`${prepared}
    with moment as materialized (select ${timeOf(tx)} as at), moved as (
      update kpay.transfers set ${sql.join(assignments)}, finished_at = ${finishedAt}, updated_at = (select at from moment)
      where id = ${row.id}
        and version = ${row.version}
        and ${onlyIf ?? sql`true`}
      returning ${transferColumns}
    ), event as (
      insert into kpay.transfer_events
        (transfer_id, version, type, from_state, to_state, reason_code, reason, actor, detail, at)
      select id, version, ${step.type}::text, ${row.state}::text, state, ${step.reasonCode ?? null}::text,
        ${step.reason ?? null}::text, ${step.actor}::text, ${step.detail ? JSON.stringify(step.detail) : null}::jsonb, updated_at
      from moved
    )${begun}${ended}
    select ${transferColumns} from moved`.execute(tx.db);
  return rows[0];
}
