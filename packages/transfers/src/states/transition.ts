import {
  currentTraceparent,
  type LedgerStatement,
  prepared,
  qualifiedTransferColumns,
  rowsFromJson,
  type TransferChanges,
  type TransferRow,
  type TransferState,
  timeOf,
  transferColumns,
} from '@kpay/ledger';
import { type RawBuilder, sql } from 'kysely';
import { insertEvents } from './insert-events.ts';
import type { AttemptOutcome, EventType, ReasonCode } from './reasons.ts';
import { isFinal } from './states.ts';

/** One step of a transfer from its state to another, with the event that explains it. */
export interface Transition {
  to: TransferState;
  /** What happened, for the event. */
  type: EventType;
  /** Who caused it: `worker`, a key's owner, or a person. */
  actor: string;
  /** The id of the API key that was used. */
  keyId?: string | undefined;
  reasonCode?: ReasonCode;
  reason?: string;
  /** Stored with the event: ages of inputs, attempt numbers, evidence. No secrets, no phone numbers. */
  detail?: Record<string, unknown>;
  set?: TransferChanges;
  /** An attempt that begins with this transition; its number and its lease are the row's. */
  begins?: { worker: string; bodyHash: string };
  /** The attempt that ends with this transition. */
  ends?: EndedAttempt;
}

/** How an attempt ended. */
export interface EndedAttempt {
  number: number;
  outcome: AttemptOutcome;
  status: number | null;
  detail: string | null;
}

/**
 * Changes a transfer's state, and writes its event and the attempt that begins or ends with it, in one statement.
 *
 * It compares the version and the state that `row` was read with. (A restored ledger counts the same versions again, so the
 * version alone is not enough.) When another process changed the transfer first, nothing is written.
 *
 * It clears the hold, the lease and the next due time unless `set` gives them.
 *
 * @param onlyIf a further condition, evaluated in the same statement.
 * @returns the transfer afterwards; undefined when nothing was written.
 */
export async function transition(
  tx: LedgerStatement,
  row: TransferRow,
  step: Transition,
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
    ), written as (
      ${insertEvents(sql`moved`, {
        type: sql`${step.type}::text`,
        fromState: sql`${row.state}::text`,
        toState: sql`state`,
        reasonCode: sql`${step.reasonCode ?? null}::text`,
        reason: sql`${step.reason ?? null}::text`,
        actor: sql`${step.actor}::text`,
        keyId: sql`${step.keyId ?? null}::text`,
        detail: sql`${step.detail ? JSON.stringify(step.detail) : null}::jsonb`,
        at: sql`updated_at`,
      })}
    )${begun}${ended}
    select ${transferColumns} from moved`.execute(tx.db);
  return rows[0];
}

function changesOf(row: TransferRow, { set, ...step }: Transition): TransferChanges {
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

/** A JSON column arrives as text, which must not be stored as a JSON string. */
const JSON_COLUMNS: ReadonlySet<string> = new Set(['receipt', 'metadata']);

/**
 * Makes several transitions in one statement, each as `transition` makes one, with its own comparison and its own event. All
 * must change the same columns, and all must begin an attempt, end one, or do neither. Of several for one transfer only the
 * first counts.
 *
 * @returns for each transition the transfer afterwards; undefined where nothing was written.
 */
export async function transitionMany(
  tx: LedgerStatement,
  transitions: readonly { row: TransferRow; step: Transition }[],
  onlyIf: RawBuilder<boolean> = sql`true`,
): Promise<(TransferRow | undefined)[]> {
  const [first, ...others] = transitions;
  if (!first) return [];
  if (others.length === 0) return [await transition(tx, first.row, first.step, onlyIf)];
  const chosen = new Map<string, (typeof transitions)[number]>();
  for (const each of transitions) if (!chosen.has(each.row.id)) chosen.set(each.row.id, each);
  const asked = [...chosen.values()].map(({ row, step }) => ({
    ...changesOf(row, step),
    id: row.id,
    event: {
      type: step.type,
      from_state: row.state,
      reason_code: step.reasonCode ?? null,
      reason: step.reason ?? null,
      actor: step.actor,
      key_id: step.keyId ?? null,
      detail: step.detail ?? null,
      begins: step.begins ?? null,
      ends: step.ends ?? null,
    },
  }));
  const assignments = Object.keys(changesOf(first.row, first.step)).map((column) =>
    JSON_COLUMNS.has(column)
      ? sql`${sql.ref(column)} = (input.${sql.ref(column)} #>> '{}')::jsonb`
      : sql`${sql.ref(column)} = input.${sql.ref(column)}`,
  );
  const { begins, ends, to } = first.step;
  const finishedAt = isFinal(to) ? sql`(select at from moment)` : sql`null`;
  const begun = begins
    ? sql`, attempt as (
        insert into kpay.attempts (transfer_id, number, account, worker, started_at, lease_until, body_hash)
        select id, attempts, account, event #>> '{begins,worker}', updated_at, lease_until, event #>> '{begins,bodyHash}'
        from moved
      )`
    : sql``;
  const ended = ends
    ? sql`, ended as (
        update kpay.attempts a
        set ended_at = moved.updated_at, outcome = event #>> '{ends,outcome}', status = (event #>> '{ends,status}')::integer,
          detail = event #>> '{ends,detail}'
        from moved where a.transfer_id = moved.id and a.number = (event #>> '{ends,number}')::integer
      )`
    : sql``;
  const { rows } = await sql<TransferRow>`${prepared}
    with moment as materialized (select ${timeOf(tx)} as at), moved as (
      update kpay.transfers set ${sql.join(assignments)}, finished_at = ${finishedAt}, updated_at = (select at from moment)
      from ${rowsFromJson(asked)} as asked
      cross join lateral jsonb_populate_record(null::kpay.transfers, asked.item) as input
      where transfers.id = input.id
        and transfers.version = input.version - 1
        and transfers.state = asked.item #>> '{event,from_state}'
        and ${onlyIf}
      returning ${qualifiedTransferColumns}, asked.item -> 'event' as event
    ), written as (
      ${insertEvents(sql`moved`, {
        type: sql`event ->> 'type'`,
        fromState: sql`event ->> 'from_state'`,
        toState: sql`state`,
        reasonCode: sql`event ->> 'reason_code'`,
        reason: sql`event ->> 'reason'`,
        actor: sql`event ->> 'actor'`,
        keyId: sql`event ->> 'key_id'`,
        detail: sql`nullif(event -> 'detail', 'null')`,
        at: sql`updated_at`,
      })}
    )${begun}${ended}
    select ${transferColumns} from moved`.execute(tx.db);
  const moved = new Map(rows.map((row) => [row.id, row]));
  return transitions.map((each) => (chosen.get(each.row.id) === each ? moved.get(each.row.id) : undefined));
}
