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

/** How long an attempt may be under way before the sweep takes it for lost. */
export const LEASE_MS = 45_000;

/** An attempt that is committed: from here on the transfer counts as sent until an answer says otherwise. */
export interface Attempt {
  transfer: TransferRow;
  number: number;
  startedAt: Date;
  /** The exact text of the request. */
  body: string;
}

export type Begun =
  | { kind: 'begun'; attempt: Attempt }
  /** A check says otherwise under the lock. Nothing was written. */
  | { kind: 'stopped'; verdict: Exclude<CheckVerdict, { verdict: 'pass' }> }
  /** The balance is too old to judge by, or nobody knows how old it is: read it again. Nothing was written. */
  | { kind: 'stale' }
  /** The ledger is not what this process knows it to be (law 9). Nothing was written. */
  | { kind: 'restored' }
  /** Somebody else moved the transfer. */
  | { kind: 'lost' };

/** A first send to be committed. */
export interface FirstSend {
  row: TransferRow;
  snapshot: BalanceSnapshot;
  /** What the checks judged by. */
  inputs: Record<string, unknown>;
  /** The trace context to store with the transition (currentTraceparent). */
  trace: string | null;
}

interface SendContext {
  pin: Pin;
  epoch: LedgerEpoch;
  worker: string;
  /** An older snapshot, or one of the future, is read again before money is judged by it. */
  balanceMaxAgeMs: number;
  limits?: readonly SpendLimit[];
}

/**
 * Commits the intent to send for the first time: queued → submitting. Pin, epoch, pauses, funds and spend limits are judged here, inside
 * the transaction that makes the send official and under the wallet's lock, so that two workers cannot both spend
 * the same money and no pause can be overtaken.
 *
 * Several of one account go together, each judged by itself and after those before it. With spend limits it must be one
 * alone: they count what is written.
 */
export async function beginFirstSends(
  tx: LedgerTransaction,
  sends: readonly FirstSend[],
  context: SendContext,
): Promise<Begun[]> {
  const { pin, epoch: known, worker } = context;
  const rows = sends.map(({ row }) => row);
  const { account, soFarMinor } = await lockForSend(tx, rows, pin);
  // After the locks: what others have committed is seen.
  const situation = readSituation(tx, rows);
  if (!(await known.holds(tx, situation))) return sends.map(() => ({ kind: 'restored' }));
  const { epoch, pauses, refusals } = await situation;
  // A probe is alone: what comes with it waits for its answer.
  const probed = new Set<string>();

  // What those before take of each wallet. It is not in the ledger before all are written.
  const taken = new Map<string, bigint>();
  const judged: (Begun | Intent)[] = [];
  for (const [index, send] of sends.entries()) {
    const { currency, amount_minor: amountMinor } = send.row;
    const takenMinor = taken.get(currency) ?? 0n;
    const wallet = { epoch, soFarMinor: (soFarMinor.get(currency) ?? 0n) + takenMinor, takenMinor };
    const found = refusals[index];
    const refusal = found && { ...found, isClosed: found.isClosed || probed.has(found.key) };
    const under = { account, pause: pauses[index], refusal, wallet, others: taken.size > 0 };
    const verdict = await evaluateFirstSend(tx, send, context, under);
    judged.push(verdict);
    if (verdict.kind === 'intent' && refusal) {
      probed.add(refusal.key);
      await claimProbe(tx, send.row);
    }
    if (verdict.kind === 'intent') taken.set(currency, takenMinor + BigInt(amountMinor));
  }
  const intents = judged.filter((each) => each.kind === 'intent');
  const begun = new Map(
    (await startAttempts(tx, intents, 'submitting', worker, pin)).map((each, index) => [intents[index], each]),
  );
  return judged.map((each) => (each.kind === 'intent' ? (begun.get(each) ?? { kind: 'lost' }) : each));
}

/** What nothing stands against under the locks. */
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
  // With nothing left that probes, one first send does, and not all that happen to come with it.
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
  // Re-sends are few, and while the breaker is open one at a time is let through: they pass here one by one.
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
      // A re-send keeps the sentence that says why the transfer is unconfirmed.
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

/** The request names an application: sent to another KPay it would be another transfer under the same id. */
function assertSamePin(row: TransferRow, pin: Pin): void {
  if (row.pinned_application_id === null) return;
  const same =
    row.pinned_application_id === pin.applicationId &&
    row.pinned_environment === pin.environment &&
    row.pinned_base_url === pin.baseUrl;
  if (!same) throw new Error(`transfer ${row.id} was first sent to another KPay than its account's`);
}

/**
 * Takes a sender's turn, locks the account's row, shared, and the wallets' of these transfers by currency: in this order
 * (law 10), in one statement.
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
  // The first send of a currency.
  await lockAccount(tx, pin);
  await tx.db
    .insertInto('kpay.wallets')
    .values(currencies.sort().map((currency) => ({ account: pin.account, currency })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return lockForSend(tx, rows, pin);
}

/** The ledger's row, and for each of these transfers of one account the pause in force, if there is one. */
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
      select (each -> 'place')::integer as place, each ->> 'from' as source_country, each ->> 'to' as destination_country,
        (each ->> 'amount')::bigint as amount_minor
      from ${rowsFromJson(corridors)} as asked
    ) t
    order by place`.execute(tx.db);
  const [ledger] = found;
  if (!ledger || found.length !== rows.length) throw new Error('the ledger has no row that says which it is');
  return {
    ...ledger,
    pauses: found.map(({ pause }) => readPause(pause)),
    refusals: found.map(({ refusal }) => refusal ?? undefined),
  };
}
