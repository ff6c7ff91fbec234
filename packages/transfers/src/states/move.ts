import {
  currentTraceparent,
  eachOf,
  type LedgerStatement,
  prepared,
  qualifiedTransferColumns,
  type TransferChanges,
  type TransferRow,
  type TransferState,
  timeOf,
  transferColumns,
} from '@kpay/ledger';
import { type RawBuilder, sql } from 'kysely';
import { isFinal } from './states.ts';

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
 * statement. It is a compare-and-set on the version and state that `row` was read with (a ledger that was restored counts the
 * same versions once more): when somebody else moved the transfer meanwhile, nothing at all is written and undefined comes back.
 *
 * What belongs to one state only is cleared unless `set` gives it: hold, lease, next due time.
 *
 * @param onlyIf what else must be true in the moment of the move.
 */
export async function move(
  tx: LedgerStatement,
  row: TransferRow,
  step: Move,
  onlyIf: RawBuilder<boolean> = sql`true`,
): Promise<TransferRow | undefined> {
  const { begins, ends } = step;
  const changes = changesOf(row, step);
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
        and state = ${row.state}
        and ${onlyIf}
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

function changesOf(row: TransferRow, { set, ...step }: Move): TransferChanges {
  return {
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
}

/** A column of JSON comes as its text, which must not be read as a string. */
const JSON_COLUMNS: ReadonlySet<string> = new Set(['receipt', 'metadata']);

/**
 * Makes moves of one kind (the same columns, and all of them begin an attempt, end one, or do neither) in one statement, each
 * as `move` makes one: a compare-and-set on its own version and state, with its own event. Of several for one transfer the first
 * alone counts.
 *
 * @returns the transfer of each that was made, in the order of the moves.
 */
export async function moveTogether(
  tx: LedgerStatement,
  moves: readonly { row: TransferRow; move: Move }[],
  onlyIf: RawBuilder<boolean> = sql`true`,
): Promise<(TransferRow | undefined)[]> {
  const [first, ...others] = moves;
  if (!first) return [];
  if (others.length === 0) return [await move(tx, first.row, first.move, onlyIf)];
  const chosen = new Map<string, (typeof moves)[number]>();
  for (const each of moves) if (!chosen.has(each.row.id)) chosen.set(each.row.id, each);
  const asked = [...chosen.values()].map(({ row, move: step }) => ({
    ...changesOf(row, step),
    id: row.id,
    said: {
      type: step.type,
      from_state: row.state,
      reason_code: step.reasonCode ?? null,
      reason: step.reason ?? null,
      actor: step.actor,
      detail: step.detail ?? null,
      begins: step.begins ?? null,
      ends: step.ends ?? null,
    },
  }));
  const assignments = Object.keys(changesOf(first.row, first.move)).map((column) =>
    JSON_COLUMNS.has(column)
      ? sql`${sql.ref(column)} = (given.${sql.ref(column)} #>> '{}')::jsonb`
      : sql`${sql.ref(column)} = given.${sql.ref(column)}`,
  );
  const { begins, ends, to } = first.move;
  const finishedAt = isFinal(to) ? sql`(select at from moment)` : sql`null`;
  const begun = begins
    ? sql`, attempt as (
        insert into kpay.attempts (transfer_id, number, account, worker, started_at, lease_until, body_hash)
        select id, attempts, account, said #>> '{begins,worker}', updated_at, lease_until, said #>> '{begins,bodyHash}'
        from moved
      )`
    : sql``;
  const ended = ends
    ? sql`, ended as (
        update kpay.attempts a
        set ended_at = moved.updated_at, outcome = said #>> '{ends,outcome}', status = (said #>> '{ends,status}')::integer,
          detail = said #>> '{ends,detail}'
        from moved where a.transfer_id = moved.id and a.number = (said #>> '{ends,number}')::integer
      )`
    : sql``;
  const { rows } = await sql<TransferRow>`${prepared}
    with moment as materialized (select ${timeOf(tx)} as at), moved as (
      update kpay.transfers set ${sql.join(assignments)}, finished_at = ${finishedAt}, updated_at = (select at from moment)
      from ${eachOf(asked)} as asked
      cross join lateral jsonb_populate_record(null::kpay.transfers, asked.each) as given
      where transfers.id = given.id
        and transfers.version = given.version - 1
        and transfers.state = asked.each #>> '{said,from_state}'
        and ${onlyIf}
      returning ${qualifiedTransferColumns}, asked.each -> 'said' as said
    ), event as (
      insert into kpay.transfer_events
        (transfer_id, version, type, from_state, to_state, reason_code, reason, actor, detail, at)
      select id, version, said ->> 'type', said ->> 'from_state', state, said ->> 'reason_code', said ->> 'reason',
        said ->> 'actor', nullif(said -> 'detail', 'null'), updated_at
      from moved
    )${begun}${ended}
    select ${transferColumns} from moved`.execute(tx.db);
  const moved = new Map(rows.map((row) => [row.id, row]));
  return moves.map((each) => (chosen.get(each.row.id) === each ? moved.get(each.row.id) : undefined));
}
