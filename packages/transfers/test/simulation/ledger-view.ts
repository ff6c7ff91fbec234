import { sql } from 'kysely';
import type { Ledger, TransferState } from '../../src/index.ts';

// What the laws look at, read in one statement: they are looked at after every step. Times are milliseconds.

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
  rows: RowView[];
  /** Later than `after`. */
  events: EventView[];
  /** Begun or ended since. */
  attempts: AttemptView[];
  pauses: PauseView[];
  /** Sends without a definite answer. */
  unknownInARow: number;
}

/** Has the ledger's session plan the view once: planning it takes longer than looking. */
export async function prepareView({ db }: Pick<Ledger, 'db'>): Promise<void> {
  await sql`
    prepare ledger_view (bigint, timestamptz) as
    select json_build_object(
      'rows', (select coalesce(json_agg(json_build_object('id', id, 'name', external_id, 'kpayId', kpay_external_id,
          'state', state, 'version', version, 'minor', amount_minor, 'currency', currency,
          'corridor', source_country || '-' || destination_country, 'createdMs', ${ms('created_at')}, 'finishedMs', ${ms('finished_at')},
          'leaseMs', ${ms('lease_until')}, 'dueMs', ${ms('due_at')}, 'confirmedBy', confirmed_by, 'reason', reason)
        order by created_at), '[]') from kpay.transfers),
      'events', (select coalesce(json_agg(json_build_object('sequence', id, 'id', transfer_id, 'version', version,
          'type', type, 'from', from_state, 'to', to_state, 'code', reason_code, 'atMs', ${ms('at')}) order by id), '[]')
        from kpay.transfer_events where id > $1),
      'attempts', (select coalesce(json_agg(json_build_object('id', transfer_id, 'number', number, 'worker', worker,
          'startedMs', ${ms('started_at')}, 'leaseMs', ${ms('lease_until')}, 'endedMs', ${ms('ended_at')},
          'outcome', outcome, 'detail', detail, 'body', body_hash) order by started_at), '[]')
        from kpay.attempts where started_at >= $2 or ended_at >= $2),
      'pauses', (select coalesce(json_agg(json_build_object('scope', scope, 'corridor', corridor,
          'fromMs', ${ms('created_at')}, 'liftedMs', ${ms('lifted_at')}, 'untilMs', ${ms('until')})), '[]')
        from kpay.pauses),
      'unknownInARow', (select coalesce(max(unknown_streak), 0) from kpay.accounts)
    ) as view`.execute(db);
}

/** @param since which events and attempts were seen already. */
export async function viewLedger(ledger: Ledger, since: { event: number; attemptMs: number }): Promise<LedgerView> {
  const attemptsSince = sql.lit(new Date(since.attemptMs).toISOString());
  const { rows } = await sql<{ view: LedgerView }>`execute ledger_view (${sql.lit(since.event)}, ${attemptsSince})`.execute(
    ledger.db,
  );
  if (!rows[0]) throw new Error('the ledger shows nothing');
  return rows[0].view;
}

function ms(column: string) {
  return sql`(extract(epoch from ${sql.ref(column)}) * 1000)::bigint`;
}
