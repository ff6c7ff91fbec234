import { sql } from 'kysely';
import type { Ledger, TransferState } from '../../src/index.ts';

// The rows that the invariants need, read in one statement, because they are checked after every step. Times are
// milliseconds.

export interface RowView {
  id: string;
  name: string;
  kpayId: string;
  state: TransferState;
  version: number;
  minor: number;
  currency: string;
  corridor: string;
  createdMs: number;
  finishedMs: number | null;
  leaseMs: number | null;
  dueMs: number | null;
  confirmedBy: string | null;
  reason: string | null;
  minRate: number | null;
  /** The transfer that it replays. */
  replayOf: string | null;
}

export interface EventView {
  sequence: number;
  id: string;
  version: number;
  type: string;
  from: TransferState | null;
  to: TransferState;
  code: string | null;
  atMs: number;
}

export interface AttemptView {
  id: string;
  number: number;
  worker: string;
  startedMs: number;
  leaseMs: number;
  endedMs: number | null;
  outcome: string | null;
  detail: string | null;
  body: string;
}

export interface PauseView {
  scope: string;
  corridor: string | null;
  fromMs: number;
  liftedMs: number | null;
  untilMs: number | null;
}

export interface LedgerView {
  /** Changed since then. */
  rows: RowView[];
  /** Later than `after`. */
  events: EventView[];
  /** Begun or ended since then. */
  attempts: AttemptView[];
  pauses: PauseView[];
  /** Sends without a definite answer. */
  unknownInARow: number;
}

/** @param since the last event, attempt and transition that were already read. */
export async function viewLedger({ db }: Ledger, since: { event: number; ms: number }): Promise<LedgerView> {
  const moment = new Date(since.ms);
  const { rows } = await sql<{ view: LedgerView }>`
    select json_build_object(
      'rows', (select coalesce(json_agg(json_build_object('id', id, 'name', external_id, 'kpayId', kpay_external_id,
          'state', state, 'version', version, 'minor', amount_minor, 'currency', currency,
          'corridor', source_country || '-' || destination_country, 'createdMs', ${ms('created_at')}, 'finishedMs', ${ms('finished_at')},
          'leaseMs', ${ms('lease_until')}, 'dueMs', ${ms('due_at')}, 'confirmedBy', confirmed_by, 'reason', reason,
          'minRate', min_rate, 'replayOf', replay_of)
        order by created_at), '[]') from kpay.transfers where updated_at >= ${moment}::timestamptz),
      'events', (select coalesce(json_agg(json_build_object('sequence', id, 'id', transfer_id, 'version', version,
          'type', type, 'from', from_state, 'to', to_state, 'code', reason_code, 'atMs', ${ms('at')}) order by id), '[]')
        from kpay.transfer_events where id > ${since.event}::bigint),
      'attempts', (select coalesce(json_agg(json_build_object('id', transfer_id, 'number', number, 'worker', worker,
          'startedMs', ${ms('started_at')}, 'leaseMs', ${ms('lease_until')}, 'endedMs', ${ms('ended_at')},
          'outcome', outcome, 'detail', detail, 'body', body_hash) order by started_at), '[]')
        from kpay.attempts where started_at >= ${moment}::timestamptz or ended_at >= ${moment}::timestamptz),
      'pauses', (select coalesce(json_agg(json_build_object('scope', scope, 'corridor', corridor,
          'fromMs', ${ms('created_at')}, 'liftedMs', ${ms('lifted_at')}, 'untilMs', ${ms('until')})), '[]')
        from kpay.pauses),
      'unknownInARow', (select coalesce(max(unknown_streak), 0) from kpay.accounts)
    ) as view`.execute(db);
  if (!rows[0]) throw new Error('the ledger shows nothing');
  return rows[0].view;
}

function ms(column: string) {
  return sql`(extract(epoch from ${sql.ref(column)}) * 1000)::bigint`;
}
