import { createHash } from 'node:crypto';
import { isStillGood, transferBody } from '@kpay/core';
import type { AccountRow, TransferRow } from '@kpay/ledger';
import { currentTraceparent, type LedgerTransaction, prepared, rowsFromJson } from '@kpay/ledger';
import { sql } from 'kysely';
import { senderTurn } from '../accounts/account-turn.ts';
import { assertPinned, lockAccount, type Pin } from '../accounts/pin.ts';
import type { CheckVerdict } from '../checks/check.ts';
import { type BalanceSnapshot, evaluateLockedFunds, type LockedWallet } from '../checks/funds.ts';
import { evaluateSpending, type SpendLimit } from '../checks/spend-limit.ts';
import { type PauseInForce, pauseHold, pauseInForce, readPause } from '../holds/pauses.ts';
import { claimProbe, columnsOf, type RefusalInForce, refusalHold, refusalInForce } from '../holds/refusals.ts';
import type { LedgerEpoch, LedgerIs } from '../restore/ledger-epoch.ts';
import { reasonCodeOf } from '../states/reasons.ts';
import { type Transition, transitionMany } from '../states/transition.ts';
import { BREAKER_AFTER, breakerHold, isBreakerOpen, isProbed, probedHold } from './breaker.ts';

/** How long an attempt may be under way before the sweep counts it as lost. */
export const LEASE_MS = 45_000;

/** A committed attempt. From here on the transfer counts as sent until an answer says otherwise. */
export interface Attempt {
  transfer: TransferRow;
  number: number;
  startedAt: Date;
  /** The exact text of the request. */
  body: string;
}

export type Begun =
  | { kind: 'begun'; attempt: Attempt }
  /** A check did not pass under the lock. Nothing was written. */
  | { kind: 'stopped'; verdict: Exclude<CheckVerdict, { verdict: 'pass' }> }
  /** The balance is too old, or its age is unknown: read it again. Nothing was written. */
  | { kind: 'stale' }
  /** The ledger is not the one that this process knows (law 9). Nothing was written. */
  | { kind: 'restored' }
  /** Another process changed the transfer first. */
  | { kind: 'lost' };

/** A first send to be committed. */
export interface FirstSend {
  row: TransferRow;
  snapshot: BalanceSnapshot;
  /** The data that the checks used. */
  inputs: Record<string, unknown>;
  /** The trace context to store with the transition (currentTraceparent). */
  trace: string | null;
}

interface SendContext {
  pin: Pin;
  epoch: LedgerEpoch;
  worker: string;
  /** A snapshot that is older, or from the future, is read again before it decides about money. */
  balanceMaxAgeMs: number;
  limits?: readonly SpendLimit[];
}

/**
 * Commits the intent to send for the first time: queued → submitting. Pin, epoch, pauses, funds and spend limits are
 * checked here, inside the transaction and under the wallet's lock. So two workers cannot spend the same money, and a
 * pause cannot be overtaken.
 *
 * Several transfers of one account are committed together. Each is checked after those before it. With spend limits,
 * pass only one: the limits count written rows.
 */
export async function beginFirstSends(
  tx: LedgerTransaction,
  sends: readonly FirstSend[],
  context: SendContext,
): Promise<Begun[]> {
  const { pin, epoch: known, worker } = context;
  const rows = sends.map(({ row }) => row);
  const { account, soFarMinor } = await lockForSend(tx, rows, pin);
  // After the locks, so that it sees what others have committed.
  const situation = readSituation(tx, rows);
  if (!(await known.holds(tx, situation))) return sends.map(() => ({ kind: 'restored' }));
  const { epoch, pauses, refusals } = await situation;
  // A probe goes alone. Transfers that come with it wait for its answer.
  const probed = new Set<string>();

  // What the transfers before this one take from each wallet. The ledger does not hold it until all are written.
  const taken = new Map<string, bigint>();
  const evaluated: (Begun | Intent)[] = [];
  for (const [index, send] of sends.entries()) {
    const { currency, amount_minor: amountMinor } = send.row;
    const takenMinor = taken.get(currency) ?? 0n;
    const wallet = { epoch, soFarMinor: (soFarMinor.get(currency) ?? 0n) + takenMinor, takenMinor };
    const found = refusals[index];
    const refusal = found && { ...found, isClosed: found.isClosed || probed.has(found.key) };
    const under = { account, pause: pauses[index], refusal, wallet, others: taken.size > 0 };
    const verdict = await evaluateFirstSend(tx, send, context, under);
    evaluated.push(verdict);
    if (verdict.kind === 'intent' && refusal) {
      probed.add(refusal.key);
      await claimProbe(tx, send.row);
    }
    if (verdict.kind === 'intent') taken.set(currency, takenMinor + BigInt(amountMinor));
  }
  const intents = evaluated.filter((each) => each.kind === 'intent');
  const begun = new Map(
    (await startAttempts(tx, intents, 'submitting', worker, pin)).map((each, index) => [intents[index], each]),
  );
  return evaluated.map((each) => (each.kind === 'intent' ? (begun.get(each) ?? { kind: 'lost' }) : each));
}

/** A first send that passed every check under the locks. */
interface Intent {
  kind: 'intent';
  row: TransferRow;
  body: string;
  inputs: Record<string, unknown>;
  trace: string | null;
}

async function evaluateFirstSend(
  tx: LedgerTransaction,
  { row, snapshot, inputs, trace }: FirstSend,
  context: SendContext,
  {
    account,
    pause,
    refusal,
    wallet,
    others,
  }: {
    account: AccountRow;
    pause: PauseInForce | undefined;
    refusal: RefusalInForce | undefined;
    wallet: LockedWallet;
    others: boolean;
  },
): Promise<Begun | Intent> {
  const { pin } = context;
  if (pause) return stoppedBy({ verdict: 'hold', ...pauseHold(pause, tx.now) });
  if (await isBreakerOpen(tx.db, row.account, account.unknown_streak, tx.now)) return stoppedBy(breakerHold(tx.now));
  // When nothing is left that can probe, one first send probes. The others that come with it wait.
  if (others && account.unknown_streak >= BREAKER_AFTER) return stoppedBy(breakerHold(tx.now));
  if (refusal?.isClosed) return stoppedBy(refusalHold(refusal, row, tx.now));
  if (row.expires_at && row.expires_at <= tx.now) return { kind: 'lost' };
  const dated = { sinceMs: snapshot.askedAt.getTime(), forMs: context.balanceMaxAgeMs };
  if (!isStillGood(dated, tx.now.getTime())) return { kind: 'stale' };
  const funds = await evaluateLockedFunds(tx, row, snapshot, wallet);
  if (funds.verdict !== 'pass') return stoppedBy(funds);
  const spending = await evaluateSpending(tx.db, row, context.limits ?? [], tx.now);
  if (spending.verdict !== 'pass') return stoppedBy(spending);

  const body = row.send_body ?? bodyOf(row, pin);
  return { kind: 'intent', row, body, inputs: { ...inputs, ...funds.inputs }, trace };
}

function stoppedBy(verdict: Exclude<CheckVerdict, { verdict: 'pass' }>): Begun {
  return { kind: 'stopped', verdict };
}

/** Commits the intent to send again under the same id; the transfer stays unconfirmed. */
export async function beginResend(
  tx: LedgerTransaction,
  row: TransferRow,
  context: { pin: Pin; epoch: LedgerEpoch; worker: string },
): Promise<Begun> {
  // Re-sends are few, and while the breaker is open only one at a time is allowed. So they take the lock exclusively.
  const account = await lockAccount(tx, context.pin, 'update');
  const situation = readSituation(tx, [row]);
  if (!(await context.epoch.holds(tx, situation))) return { kind: 'restored' };
  const [pause] = (await situation).pauses;
  if (pause) return stoppedBy({ verdict: 'hold', ...pauseHold(pause, tx.now) });
  if (account.unknown_streak >= BREAKER_AFTER && (await isProbed(tx, row.account))) return stoppedBy(probedHold(tx.now));
  if (row.send_body === null) throw new Error(`transfer ${row.id} is unconfirmed without a request`);
  const again: Intent = { kind: 'intent', row, body: row.send_body, inputs: {}, trace: currentTraceparent() };
  const [begun] = await startAttempts(tx, [again], 'unconfirmed', context.worker, context.pin);
  return begun ?? { kind: 'lost' };
}

/** @returns the attempts that began, in the order of the intents. */
async function startAttempts(
  tx: LedgerTransaction,
  intents: readonly Intent[],
  state: 'submitting' | 'unconfirmed',
  worker: string,
  pin: Pin,
): Promise<Begun[]> {
  const transitions = intents.map(({ row, body, inputs, trace }) => {
    assertSamePin(row, pin);
    const number = row.attempts + 1;
    const leaseUntil = new Date(tx.now.getTime() + LEASE_MS);
    const start: Transition = {
      to: state,
      type: state === 'submitting' ? 'submitting' : 'sent_again',
      actor: 'worker',
      detail: { attempt: number, worker, ...inputs },
      // A re-send keeps the text that says why the transfer is unconfirmed.
      ...(state === 'unconfirmed' && row.reason_code !== null ? { reasonCode: reasonCodeOf(row.reason_code) } : {}),
      ...(state === 'unconfirmed' && row.reason !== null ? { reason: row.reason } : {}),
      set: {
        attempts: number,
        lease_until: leaseUntil,
        sent_at: tx.now,
        due_at: leaseUntil,
        send_body: body,
        pinned_base_url: pin.baseUrl,
        pinned_environment: pin.environment,
        pinned_application_id: pin.applicationId,
        moved_trace: trace,
      },
      begins: { worker, bodyHash: createHash('sha256').update(body).digest('hex') },
    };
    return { row, step: start };
  });
  const moved = await transitionMany(tx, transitions);
  return intents.map(({ row, body }, index) => {
    const transfer = moved[index];
    return transfer
      ? { kind: 'begun', attempt: { transfer, number: row.attempts + 1, startedAt: tx.now, body } }
      : { kind: 'lost' };
  });
}

function bodyOf(row: TransferRow, pin: Pin): string {
  return transferBody({
    applicationId: pin.applicationId,
    sourceCountry: row.source_country,
    destinationCountry: row.destination_country,
    amount: { amountMinor: BigInt(row.amount_minor), currency: row.currency },
    externalId: row.kpay_external_id,
    ...(row.description === null ? {} : { description: row.description }),
  });
}

/** The request belongs to one KPay application. Sent to another, it would be a different transfer under the same id. */
function assertSamePin(row: TransferRow, pin: Pin): void {
  if (row.pinned_application_id === null) return;
  const same =
    row.pinned_application_id === pin.applicationId &&
    row.pinned_environment === pin.environment &&
    row.pinned_base_url === pin.baseUrl;
  if (!same) throw new Error(`transfer ${row.id} was first sent to another KPay than its account's`);
}

/**
 * Takes a sender's turn, then locks the account's row (shared) and the wallets of these transfers by currency, in this
 * order (law 10), in one statement.
 *
 * @throws PinMismatch
 */
async function lockForSend(
  tx: LedgerTransaction,
  rows: readonly TransferRow[],
  pin: Pin,
): Promise<{ account: AccountRow; soFarMinor: ReadonlyMap<string, bigint> }> {
  const currencies = [...new Set(rows.map(({ currency }) => currency))];
  const { rows: wallets } = await sql<AccountRow & { currency: string; reserved_so_far: string }>`${prepared}
    with turn as materialized (select ${senderTurn(pin.account)})
    select a.name, a.base_url, a.environment, a.application_id, a.pinned_at, a.unknown_streak, w.currency, w.reserved_so_far
    from turn cross join kpay.accounts a join kpay.wallets w on w.account = a.name
    where a.name = ${pin.account} and w.currency = any(${currencies}::text[])
    order by w.currency
    for share of a for update of w`.execute(tx.db);
  const [locked] = wallets;
  if (locked && wallets.length === currencies.length) {
    assertPinned(locked, pin);
    return { account: locked, soFarMinor: new Map(wallets.map((each) => [each.currency, BigInt(each.reserved_so_far)])) };
  }
  // The first send in a currency has no wallet row yet.
  await lockAccount(tx, pin);
  await tx.db
    .insertInto('kpay.wallets')
    .values(currencies.sort().map((currency) => ({ account: pin.account, currency })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return lockForSend(tx, rows, pin);
}

/** Reads the ledger's row, and for each of these transfers the pause and the refusal in force, if any. */
async function readSituation(
  tx: LedgerTransaction,
  rows: readonly TransferRow[],
): Promise<LedgerIs & { pauses: readonly (PauseInForce | undefined)[]; refusals: readonly (RefusalInForce | undefined)[] }> {
  const transfer = {
    account: sql`${rows[0]?.account}::text`,
    source_country: sql`t.source_country`,
    destination_country: sql`t.destination_country`,
  };
  const corridors = rows.map((row, place) => ({
    place,
    from: row.source_country,
    to: row.destination_country,
    amount: row.amount_minor,
  }));
  const refused = { ...columnsOf('t'), account: transfer.account };
  const { rows: found } = await sql<
    LedgerIs & { pause: Parameters<typeof readPause>[0]; refusal: RefusalInForce | null }
  >`${prepared}
    select id, epoch, restored_at, ${pauseInForce(transfer, sql`${tx.now}::timestamptz`)} as pause,
      ${refusalInForce(refused, sql`${tx.now}::timestamptz`)} as refusal
    from (select id, epoch, restored_at from kpay.ledger limit 1) ledger
    cross join (
      select (item -> 'place')::integer as place, item ->> 'from' as source_country, item ->> 'to' as destination_country,
        (item ->> 'amount')::bigint as amount_minor
      from ${rowsFromJson(corridors)} as asked
    ) t
    order by place`.execute(tx.db);
  const [ledger] = found;
  if (!ledger || found.length !== rows.length) throw new Error('the ledger has no row with its id');
  return {
    ...ledger,
    pauses: found.map(({ pause }) => readPause(pause)),
    refusals: found.map(({ refusal }) => refusal ?? undefined),
  };
}
