import { type ColumnType, type Generated, type Insertable, type RawBuilder, type Selectable, sql, type Updateable } from 'kysely';

/** Every state a transfer can be in. docs/flow.md shows the way through them. */
export const transferStates = [
  'awaiting_approval',
  'queued',
  'holding',
  'submitting',
  'unconfirmed',
  'review',
  'succeeded',
  'failed',
  'rejected',
  'cancelled',
  'expired',
] as const;

export type TransferState = (typeof transferStates)[number];

// The tables of ledger/migrations as kysely sees them. bigint and numeric columns are read as decimal text, never as
// floating point numbers.

/** Written as JSON text, read as the parsed value. */
type Json<T> = ColumnType<T, string | null, string | null>;
type Fixed<T> = ColumnType<T, T, never>;

interface AccountsTable {
  name: Fixed<string>;
  base_url: string;
  environment: 'TEST' | 'PRODUCTION';
  application_id: string;
  pinned_at: Date;
  /** Sends in a row that ended without a definite answer. */
  unknown_streak: Generated<number>;
}

interface WalletsTable {
  account: Fixed<string>;
  currency: Fixed<string>;
  /** The total that was ever reserved for sends. The ledger counts it. */
  reserved_so_far: Generated<string>;
}

interface PausesTable {
  id: Fixed<string>;
  scope: Fixed<'all' | 'account' | 'corridor'>;
  account: Fixed<string | null>;
  corridor: Fixed<string | null>;
  reason: Fixed<string>;
  created_by: Fixed<string>;
  created_at: Fixed<Date>;
  until: Date | null;
  lifted_at: Date | null;
  lifted_by: string | null;
}

interface TransfersTable {
  id: Fixed<string>;
  account: Fixed<string>;
  /** The caller's own id; null when the transfer has only an Idempotency-Key. */
  external_id: Fixed<string | null>;
  owner: Fixed<string>;
  idempotency_key: Fixed<string | null>;
  request_hash: Fixed<string>;
  /** The `externalId` that KPay sees (kpay-id.ts). */
  kpay_external_id: Fixed<string>;
  /** The BullMQ job that follows this transfer, when it came from one. */
  job_id: string | null;

  source_country: Fixed<string>;
  destination_country: Fixed<string>;
  amount_minor: Fixed<string>;
  currency: Fixed<string>;
  destination_currency: Fixed<string>;
  description: Fixed<string | null>;
  /** The lowest rate at which the transfer is sent; with a quote, the quote's floor. */
  min_rate: Fixed<string | null>;
  quote_id: Fixed<string | null>;
  on_insufficient_funds: Fixed<'hold' | 'fail'>;
  not_before: Fixed<Date | null>;
  expires_at: Fixed<Date | null>;
  priority: Fixed<number>;
  metadata: Json<Record<string, string> | null>;

  state: TransferState;
  version: Generated<number>;
  reason_code: string | null;
  reason: string | null;
  hold_until: Date | null;
  /** When the row must be processed next: at the end of a hold, a backoff or a lease. Null: never. */
  due_at: Date | null;

  /** The exact text of the request to KPay, fixed before the first send. */
  send_body: string | null;
  pinned_base_url: string | null;
  pinned_environment: string | null;
  pinned_application_id: string | null;
  /** The number of the latest attempt. */
  attempts: Generated<number>;
  /** Set while an attempt is under way. */
  lease_until: Date | null;
  /** When it was last sent. Spend limits count by it. */
  sent_at: Date | null;
  /** How often in a row it was put off. It grows the backoff and starts at 0 with each state that means progress. */
  tries: Generated<number>;
  /** How many 401s in a row it got. */
  unauthorized: Generated<number>;
  /** An attempt ended without a definite answer: money may have moved. */
  possibly_sent: Generated<boolean>;
  /** When the first attempt that ended unknown was sent. */
  unknown_since: Date | null;
  first_conflict_at: Date | null;
  /** An attempt was answered with 400, 403, 404 or 422. A later 409 then proves nothing. */
  refused_before: Generated<boolean>;

  kpay_transfer_id: string | null;
  exchange_rate: string | null;
  destination_amount_minor: string | null;
  confirmed_by: 'answer' | 'conflict' | 'person' | null;
  receipt: Json<Record<string, unknown> | null>;
  resolved_by: string | null;
  /** The transfer that this one replays. */
  replay_of: Fixed<string | null>;
  /** The API key that created it, when that key has limits. */
  api_key_id: Fixed<string | null>;

  /** The trace context (traceparent) of the request that accepted it; null when it was not traced. */
  accepted_trace: Fixed<string | null>;
  /** The trace context of its last step. */
  moved_trace: string | null;

  created_at: Fixed<Date>;
  updated_at: Date;
  finished_at: Date | null;
}

interface AttemptsTable {
  transfer_id: Fixed<string>;
  number: Fixed<number>;
  account: Fixed<string>;
  worker: Fixed<string>;
  started_at: Fixed<Date>;
  lease_until: Fixed<Date>;
  body_hash: Fixed<string>;
  ended_at: Date | null;
  outcome: string | null;
  status: number | null;
  detail: string | null;
}

interface TransferEventsTable {
  id: Generated<string>;
  transfer_id: Fixed<string>;
  version: Fixed<number>;
  type: Fixed<string>;
  from_state: Fixed<TransferState | null>;
  to_state: Fixed<TransferState>;
  reason_code: Fixed<string | null>;
  reason: Fixed<string | null>;
  actor: Fixed<string>;
  /** The API key that was used. */
  key_id: Fixed<string | null>;
  detail: Json<Record<string, unknown> | null>;
  at: Fixed<Date>;
}

interface ApiKeysTable {
  id: Fixed<string>;
  /** HMAC of the key, in hexadecimal. */
  hash: Fixed<string>;
  name: Fixed<string>;
  owner: Fixed<string>;
  scopes: Fixed<string[]>;
  /** Null: all. */
  accounts: Fixed<string[] | null>;
  /** The other owners for which it may make keys; '*' for all. */
  may_make_for: Fixed<string[] | null>;
  address_ranges: Fixed<string[] | null>;
  spend_limits: Json<{ currency: string; amountMinor: string; hours: number }[] | null>;
  requests_per_minute: Fixed<number | null>;
  /** The id of the key that made it; else `admin` or an issuer's subject. Before migration 0031: the maker's owner. */
  created_by: Fixed<string>;
  created_at: Fixed<Date>;
  expires_at: Fixed<Date | null>;
  last_used_at: Date | null;
  revoked_at: Date | null;
  revoked_by: string | null;
}

interface SinksTable {
  name: Fixed<string>;
  /** The id of the last event that the sink received. */
  told_id: Generated<string>;
  /** Every event up to safe_id is decided once all transactions before safe_xid have ended. */
  safe_id: Generated<string>;
  safe_xid: string | null;
  holder: string | null;
  lease_until: Date | null;
  /** How often in a row the sink failed. */
  failures: Generated<number>;
  retry_at: Date | null;
}

interface QuotesTable {
  id: Fixed<string>;
  account: Fixed<string>;
  source_country: Fixed<string>;
  destination_country: Fixed<string>;
  currency: Fixed<string>;
  destination_currency: Fixed<string>;
  /** Null: the quote can be used for any amount. */
  amount_minor: Fixed<string | null>;
  rate: Fixed<string>;
  rate_asked_at: Fixed<Date>;
  floor: Fixed<string>;
  created_by: Fixed<string>;
  created_at: Fixed<Date>;
  expires_at: Fixed<Date>;
}

interface LedgerTable {
  /** The ledger's id, which stays when the ledger moves to another database. */
  id: Fixed<string>;
  epoch: number;
  /** Set from the moment at which a restore is noticed until `kpay restore finish`. */
  restored_at: Date | null;
  /** The latest epoch that any process remembers of this ledger. */
  seen_epoch: number | null;
  /** A decision was made while the epoch witness could not be read, so the epoch must grow once it can be. */
  growth_owed: Generated<boolean>;
}

/** What KPay refuses for a source wallet or a corridor (refusals.ts). */
export interface RefusalsTable {
  account: string;
  /** 'CMR' or 'CMR-SEN'. */
  key: string;
  currency: string;
  limit_minor: string;
  refused_minor: string;
  times: number;
  refused_at: Date;
  probe_at: Date;
  woken_at: Date | null;
  shown_minor: string | null;
}

export interface LedgerSchema {
  'kpay.ledger': LedgerTable;
  'kpay.quotes': QuotesTable;
  'kpay.sinks': SinksTable;
  'kpay.accounts': AccountsTable;
  'kpay.wallets': WalletsTable;
  'kpay.pauses': PausesTable;
  'kpay.refusals': RefusalsTable;
  'kpay.transfers': TransfersTable;
  'kpay.attempts': AttemptsTable;
  'kpay.transfer_events': TransferEventsTable;
  'kpay.api_keys': ApiKeysTable;
  'kpay.legal_moves': { from_state: TransferState; to_state: TransferState };
}

export type QuoteRow = Selectable<QuotesTable>;
export type LedgerRow = Selectable<LedgerTable>;
export type AccountRow = Selectable<AccountsTable>;
export type PauseRow = Selectable<PausesTable>;
export type TransferRow = Selectable<TransfersTable>;
export type NewTransferRow = Insertable<TransfersTable>;

/** The columns of a TransferRow, for statements that name them. */
const transferColumnNames = {
  id: true,
  account: true,
  external_id: true,
  owner: true,
  idempotency_key: true,
  request_hash: true,
  kpay_external_id: true,
  job_id: true,
  source_country: true,
  destination_country: true,
  amount_minor: true,
  currency: true,
  destination_currency: true,
  description: true,
  min_rate: true,
  quote_id: true,
  on_insufficient_funds: true,
  not_before: true,
  expires_at: true,
  priority: true,
  metadata: true,
  state: true,
  version: true,
  reason_code: true,
  reason: true,
  hold_until: true,
  due_at: true,
  send_body: true,
  pinned_base_url: true,
  pinned_environment: true,
  pinned_application_id: true,
  attempts: true,
  lease_until: true,
  sent_at: true,
  tries: true,
  unauthorized: true,
  possibly_sent: true,
  unknown_since: true,
  first_conflict_at: true,
  refused_before: true,
  kpay_transfer_id: true,
  exchange_rate: true,
  destination_amount_minor: true,
  confirmed_by: true,
  receipt: true,
  resolved_by: true,
  accepted_trace: true,
  moved_trace: true,
  replay_of: true,
  api_key_id: true,
  created_at: true,
  updated_at: true,
  finished_at: true,
} satisfies Record<keyof TransferRow, true>;

export const transferColumns: RawBuilder<unknown> = sql.raw(Object.keys(transferColumnNames).join(', '));
/** The same columns with their table's name, for statements in which another table has some of these names. */
export const qualifiedTransferColumns: RawBuilder<unknown> = sql.raw(
  Object.keys(transferColumnNames)
    .map((name) => `transfers.${name}`)
    .join(', '),
);
export type TransferChanges = Updateable<TransfersTable>;
export type TransferEventRow = Selectable<TransferEventsTable>;
export type ApiKeyRow = Selectable<ApiKeysTable>;

const apiKeyColumnNames = {
  id: true,
  hash: true,
  name: true,
  owner: true,
  scopes: true,
  accounts: true,
  may_make_for: true,
  address_ranges: true,
  spend_limits: true,
  requests_per_minute: true,
  created_by: true,
  created_at: true,
  expires_at: true,
  last_used_at: true,
  revoked_at: true,
  revoked_by: true,
} satisfies Record<keyof ApiKeyRow, true>;
export const apiKeyColumns: RawBuilder<unknown> = sql.raw(Object.keys(apiKeyColumnNames).join(', '));
export type AttemptRow = Selectable<AttemptsTable>;
