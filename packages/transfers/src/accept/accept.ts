import { randomUUID } from 'node:crypto';
import {
  batchCalls,
  currentTraceparent,
  type Ledger,
  type LedgerStatement,
  type LedgerTransaction,
  type NewTransferRow,
  prepared,
  type QuoteRow,
  type TransferRow,
  timeOf,
  transferColumns,
} from '@kpay/ledger';
import { sql } from 'kysely';
import { type AccountRules, noRules } from '../checks/account-rules.ts';
import { describeLimit, limitsOf, type SpendLimit } from '../checks/spend-limit.ts';
import { IdempotencyConflict, InvalidRequest, UnknownAccount } from '../errors.ts';
import { requireGoodKey } from '../keys/key-tree.ts';
import { nameTransfer } from '../send/trace-step.ts';
import { insertEvents } from '../states/insert-events.ts';
import { lockReplays, refuseSecondReplay } from '../states/replays.ts';
import { checkKey, type LimitedKey } from './key-limit.ts';
import { kpayExternalId } from './kpay-id.ts';
import { checkQuote, lockQuote } from './quotes.ts';
import { hashRequest, parseTransferRequest, type TransferRequest } from './request.ts';

export interface TransferOrder {
  account: string;
  /** The owner of the idempotency keys: `queue` for jobs, `admin` for the bootstrap token. */
  owner: string;
  /** The requested transfer, not parsed yet. */
  body: unknown;
  idempotencyKey?: string;
  /** The BullMQ job that waits for the outcome. */
  jobId?: string;
  /** The API key that makes the request. It is checked again when the transfer is recorded. */
  apiKey?: LimitedKey;
  /** The id of the transfer that this order replays. */
  replayOf?: string;
  /**
   * True for a caller that may not read. Then an externalId of another owner is a conflict without details of that
   * transfer.
   */
  ownOnly?: boolean;
}

export interface Acceptance {
  transfer: TransferRow;
  /** True when the same order was accepted before. `transfer` is then that transfer as it is now. */
  replayed: boolean;
}

/**
 * Accepts a transfer, from every source: REST, batch, job and replay. A transfer that this returns is durable, whatever
 * happens to the queue. It sends nothing and asks KPay nothing, so it also works while an account is paused or KPay is
 * away.
 *
 * It looks for an earlier order with the same identity before it checks anything else, so repeating an order always
 * gives the first answer.
 *
 * @param accounts the names of all accounts.
 * @param rules the rules of the accounts that have any.
 * @throws InvalidRequest, IdempotencyConflict, SpendLimitExceeded, KeyEnded; nothing is recorded then.
 */
export async function acceptTransfer(
  ledger: Ledger,
  accounts: ReadonlySet<string>,
  order: TransferOrder,
  rules: ReadonlyMap<string, AccountRules> = new Map(),
): Promise<Acceptance> {
  const parsed = parseOrder(accounts, order);
  const acceptance =
    (await recordAtOnce(ledger, order, parsed, rules)) ??
    (await ledger.transaction((tx) => acceptParsed(tx, order, parsed, rules)));
  nameTransfer(acceptance.transfer);
  return acceptance;
}

/**
 * Records an order in one statement if the ledger need not check anything for it. Most orders are new and have nothing
 * to check.
 *
 * @returns undefined, with nothing written, when the order needs a check or is not new.
 */
async function recordAtOnce(
  ledger: Ledger,
  order: TransferOrder,
  { request, hash }: ParsedOrder,
  rules: ReadonlyMap<string, AccountRules>,
): Promise<Acceptance | undefined> {
  const needsLedger =
    request.quoteId !== null ||
    request.expiresAt !== null ||
    (order.apiKey?.limits.length ?? 0) > 0 ||
    order.replayOf !== undefined;
  if (needsLedger || passesLimit(request, rules.get(order.account))) return undefined;
  // Throws inside a transaction, because this call would wait for that transaction's client.
  void ledger.db;
  const transfer = await recordTogether(ledger, newRow(order, request, hash));
  return transfer && { transfer, replayed: false };
}

// A larger batch would only make the others wait longer.
const MAX_TOGETHER = 50;

const recordTogether = batchCalls<Ledger, NewRow, TransferRow | undefined>({
  run: (ledger, rows) => ledger.statement((statement) => record(statement, rows)),
  maxSize: () => MAX_TOGETHER,
  delay: (ledger) => ledger.batchDelay(),
});

/** An order that is valid as far as the order alone can show. */
export interface ParsedOrder {
  request: TransferRequest;
  hash: string;
}

/** @throws InvalidRequest */
export function parseOrder(accounts: ReadonlySet<string>, order: TransferOrder): ParsedOrder {
  if (!accounts.has(order.account)) throw new UnknownAccount(order.account);
  const request = parseTransferRequest(order.body);
  if (request.externalId === null && order.idempotencyKey === undefined) {
    throw new InvalidRequest(
      'externalId',
      'is required: it is what keeps a repeated order from sending twice',
      'idempotency_required',
    );
  }
  return { request, hash: hashRequest(request) };
}

/** acceptTransfer in the caller's transaction. If it throws, that order has written nothing. */
export async function acceptParsed(
  tx: LedgerTransaction,
  order: TransferOrder,
  { request, hash }: ParsedOrder,
  rules: ReadonlyMap<string, AccountRules>,
): Promise<Acceptance> {
  // Locked before the search for an earlier order, so that a twin that arrives at the same time is found.
  if (order.replayOf !== undefined) await lockReplays(tx, order.replayOf);
  const quote = request.quoteId === null ? undefined : await lockQuote(tx, request.quoteId);
  const earlier = await findEarlier(tx, order, request);
  if (earlier) {
    if (order.apiKey) await requireGoodKey(tx, order.apiKey.id);
    return replay(tx, earlier, order, request, hash);
  }
  if (order.replayOf !== undefined) await refuseSecondReplay(tx, order.replayOf);
  if (request.expiresAt && request.expiresAt <= tx.now) throw new InvalidRequest('expiresAt', 'must be in the future');
  refuseUnsendable(request, rules.get(order.account));
  const quoted = request.quoteId === null ? undefined : await checkQuote(tx, quote, order.account, request);
  if (order.apiKey) await checkKey(tx, request, order.apiKey);
  const [accepted] = await record(tx, [newRow(order, request, hash, quoted)]);
  if (accepted) return { transfer: accepted, replayed: false };
  // The same order was recorded by another request after we looked for it and before our insert.
  const twin = await findEarlier(tx, order, request);
  if (!twin) throw new Error('an order collided with a transfer that cannot be found');
  return replay(tx, twin, order, request, hash);
}

/** The limit that this amount exceeds by itself. Such a transfer would wait for ever. */
function passesLimit(request: TransferRequest, { spendLimits }: AccountRules = noRules): SpendLimit | undefined {
  const { amount, sourceCountry, destinationCountry } = request;
  const corridor = { currency: amount.currency, source_country: sourceCountry, destination_country: destinationCountry };
  return limitsOf(corridor, spendLimits).find((limit) => amount.amountMinor > limit.amountMinor);
}

function refuseUnsendable(request: TransferRequest, rules?: AccountRules): void {
  const passed = passesLimit(request, rules);
  if (passed) throw new InvalidRequest('amount', `must be within the account's limit of ${describeLimit(passed)}`);
}

async function findEarlier(
  tx: LedgerTransaction,
  order: TransferOrder,
  request: TransferRequest,
): Promise<TransferRow | undefined> {
  const transfers = tx.db.selectFrom('kpay.transfers').selectAll().where('account', '=', order.account);
  if (request.externalId !== null) {
    const found = await transfers.where('external_id', '=', request.externalId).executeTakeFirst();
    if (found) return found;
  }
  if (order.idempotencyKey === undefined) return undefined;
  return transfers.where('owner', '=', order.owner).where('idempotency_key', '=', order.idempotencyKey).executeTakeFirst();
}

async function replay(
  tx: LedgerTransaction,
  earlier: TransferRow,
  { jobId, replayOf, owner, ownOnly = false }: TransferOrder,
  { externalId }: TransferRequest,
  hash: string,
): Promise<Acceptance> {
  // The content of a replay follows from the transfer that it replays. Times that have passed are left out.
  const isSame = replayOf
    ? earlier.replay_of === replayOf && earlier.external_id === externalId
    : earlier.request_hash === hash && earlier.replay_of === null;
  const isHidden = ownOnly && earlier.owner !== owner;
  if (!isSame || isHidden) throw new IdempotencyConflict(isHidden ? undefined : earlier.id);
  if (jobId === undefined || jobId === earlier.job_id) return { transfer: earlier, replayed: true };
  // The job that waited first may have been wiped with the queue. The job that asks now exists.
  const followed = tx.db.updateTable('kpay.transfers').set({ job_id: jobId }).where('id', '=', earlier.id).returningAll();
  return { transfer: await followed.executeTakeFirstOrThrow(), replayed: true };
}

/** A transfer to record, in the JSON form. Its times are those of the statement. */
type NewRow = Omit<NewTransferRow, 'due_at' | 'created_at' | 'updated_at'> & { id: string };

function newRow(order: TransferOrder, request: TransferRequest, hash: string, quote?: QuoteRow): NewRow {
  const { account, owner, idempotencyKey } = order;
  const identity =
    request.externalId !== null
      ? ({ kind: 'external_id', externalId: request.externalId } as const)
      : ({ kind: 'idempotency_key', owner, idempotencyKey: idempotencyKey ?? '' } as const);
  return {
    id: randomUUID(),
    account,
    external_id: request.externalId,
    owner,
    idempotency_key: idempotencyKey ?? null,
    request_hash: hash,
    kpay_external_id: kpayExternalId(account, identity),
    job_id: order.jobId ?? null,
    replay_of: order.replayOf ?? null,
    api_key_id: order.apiKey?.id ?? null,
    source_country: request.sourceCountry,
    destination_country: request.destinationCountry,
    amount_minor: String(request.amount.amountMinor),
    currency: request.amount.currency,
    destination_currency: request.destinationCurrency,
    description: request.description,
    min_rate: quote?.floor ?? request.minRate,
    quote_id: quote?.id ?? null,
    on_insufficient_funds: request.onInsufficientFunds,
    not_before: request.notBefore,
    expires_at: request.expiresAt,
    priority: request.priority,
    metadata: request.metadata && JSON.stringify(request.metadata),
    accepted_trace: currentTraceparent(),
    state: 'queued',
  };
}

/**
 * Writes transfers and their first events in one statement.
 *
 * @returns undefined for each row whose identity exists already, in the ledger or earlier in `rows`.
 */
async function record(tx: LedgerStatement, rows: readonly NewRow[]): Promise<(TransferRow | undefined)[]> {
  const columns = Object.keys(rows[0] ?? {});
  const values = columns.map((column) => (column === 'metadata' ? sql`(metadata #>> '{}')::jsonb` : sql.ref(column)));
  const { rows: written } = await sql<TransferRow>`${prepared}
    with moment as materialized (select ${timeOf(tx)} as at), recorded as (
      insert into kpay.transfers (${sql.join(columns.map((column) => sql.ref(column)))}, due_at, created_at, updated_at)
      select ${sql.join(values)}, at, at, at
      from jsonb_populate_recordset(null::kpay.transfers, ${JSON.stringify(rows)}::jsonb), moment
      -- A subquery for each row. A join would record the rows in another order than they came in.
      where coalesce((
        select k.revoked_at is null and (k.expires_at is null or k.expires_at > at) from kpay.api_keys k where k.id = api_key_id
      ), true)
      on conflict do nothing
      returning ${transferColumns}
    ), event as (
      ${insertEvents(sql`recorded`, {
        type: 'accepted',
        toState: sql`state`,
        actor: sql`owner`,
        keyId: sql`api_key_id`,
        at: sql`created_at`,
      })}
    )
    select ${transferColumns} from recorded`.execute(tx.db);
  const recorded = new Map(written.map((row) => [row.id, row]));
  return rows.map(({ id }) => recorded.get(id));
}
