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
import { judgeKey, type LimitedKey } from './key-limit.ts';
import { kpayExternalId } from './kpay-id.ts';
import { judgeQuote, lockQuote } from './quotes.ts';
import { hashRequest, parseTransferRequest, type TransferRequest } from './request.ts';

export interface TransferOrder {
  account: string;
  /** Whose idempotency keys these are: `queue` for jobs, `admin` for the bootstrap token. */
  owner: string;
  /** The transfer as it was asked for, unparsed. */
  body: unknown;
  idempotencyKey?: string;
  /** The BullMQ job that waits for the outcome. */
  jobId?: string;
  /** The key of the admin API that it comes with: it must be good in the moment of the recording too. */
  apiKey?: LimitedKey;
  /** The transfer that is made again by this order. */
  replayOf?: string;
  /** Its caller may not read: an externalId that another owner used is a conflict, and nothing is told of that transfer. */
  ownOnly?: boolean;
}

export interface Acceptance {
  transfer: TransferRow;
  /** The same order was accepted before; `transfer` is that one, as it is now. */
  replayed: boolean;
}

/**
 * The one door: a transfer that comes back from here is durable, whatever happens to the queue. Accepting sends
 * nothing and asks KPay nothing, so it goes on while an account is paused or KPay is away.
 *
 * A replay is recognised before anything else is judged, so that repeating an order always gives the first answer.
 *
 * @param accounts the names that exist.
 * @param rules of those accounts that have any.
 * @throws InvalidRequest, IdempotencyConflict, SpendLimitExceeded, KeyEnded; nothing was recorded then.
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
 * Most orders are new, and nothing of them is to be judged by the ledger: recording one is one statement. Undefined, and
 * nothing written, when it has to be looked at: something is to be judged, or the order is not new after all.
 */
async function recordAtOnce(
  ledger: Ledger,
  order: TransferOrder,
  { request, hash }: ParsedOrder,
  rules: ReadonlyMap<string, AccountRules>,
): Promise<Acceptance | undefined> {
  const judged =
    request.quoteId !== null ||
    request.expiresAt !== null ||
    (order.apiKey?.limits.length ?? 0) > 0 ||
    order.replayOf !== undefined;
  if (judged || passesLimit(request, rules.get(order.account))) return undefined;
  // Throws inside a transaction, whose client this must not wait for.
  void ledger.db;
  const transfer = await recordTogether(ledger, newRow(order, request, hash));
  return transfer && { transfer, replayed: false };
}

// More at once would only make the others wait.
const MAX_TOGETHER = 50;

const recordTogether = batchCalls<Ledger, NewRow, TransferRow | undefined>({
  run: (ledger, rows) => ledger.statement((statement) => record(statement, rows)),
  maxSize: () => MAX_TOGETHER,
  delay: (ledger) => ledger.batchDelay(),
});

/** An order that can be right, as far as it alone can tell. */
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

/** acceptTransfer in the caller's transaction. What it throws of an order leaves nothing of that order in it. */
export async function acceptParsed(
  tx: LedgerTransaction,
  order: TransferOrder,
  { request, hash }: ParsedOrder,
  rules: ReadonlyMap<string, AccountRules>,
): Promise<Acceptance> {
  // Locked before we look for an earlier order: its twin, which comes at the same time, is found then.
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
  const quoted = request.quoteId === null ? undefined : await judgeQuote(tx, quote, order.account, request);
  if (order.apiKey) await judgeKey(tx, request, order.apiKey);
  const [accepted] = await record(tx, [newRow(order, request, hash, quoted)]);
  if (accepted) return { transfer: accepted, replayed: false };
  // A twin of this order was recorded between our look and our insert.
  const twin = await findEarlier(tx, order, request);
  if (!twin) throw new Error('an order collided with a transfer that cannot be found');
  return replay(tx, twin, order, request, hash);
}

/** The limit that alone it passes, so that it would wait for ever. */
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
  // What a replay asks for follows from the transfer that it makes again; of its times those that passed are left out.
  const isSame = replayOf
    ? earlier.replay_of === replayOf && earlier.external_id === externalId
    : earlier.request_hash === hash && earlier.replay_of === null;
  const isHidden = ownOnly && earlier.owner !== owner;
  if (!isSame || isHidden) throw new IdempotencyConflict(isHidden ? undefined : earlier.id);
  if (jobId === undefined || jobId === earlier.job_id) return { transfer: earlier, replayed: true };
  // The job that was made first may be gone with a wiped queue; the one that asks now is there.
  const followed = tx.db.updateTable('kpay.transfers').set({ job_id: jobId }).where('id', '=', earlier.id).returningAll();
  return { transfer: await followed.executeTakeFirstOrThrow(), replayed: true };
}

/** A transfer to be recorded, as JSON takes it; its times are those of the statement. */
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
 * Writes transfers and their first events in one statement. Undefined for each whose identity is there already, or is
 * another's of these.
 */
async function record(tx: LedgerStatement, given: readonly NewRow[]): Promise<(TransferRow | undefined)[]> {
  const columns = Object.keys(given[0] ?? {});
  const values = columns.map((column) => (column === 'metadata' ? sql`(metadata #>> '{}')::jsonb` : sql.ref(column)));
  const { rows } = await sql<TransferRow>`${prepared}
    with moment as materialized (select ${timeOf(tx)} as at), recorded as (
      insert into kpay.transfers (${sql.join(columns.map((column) => sql.ref(column)))}, due_at, created_at, updated_at)
      select ${sql.join(values)}, at, at, at
      from jsonb_populate_recordset(null::kpay.transfers, ${JSON.stringify(given)}::jsonb), moment
      -- One look for each row: joined, the rows would be recorded in another order than they came in.
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
  const recorded = new Map(rows.map((row) => [row.id, row]));
  return given.map(({ id }) => recorded.get(id));
}
