import { createHash } from 'node:crypto';
import { transferBody } from '@kpay/core';
import { sql } from 'kysely';
import { BREAKER_AFTER, breakerHold, isBreakerOpen, isProbed, probedHold } from '../breaker.ts';
import type { Verdict } from '../checks/check.ts';
import { type BalanceSnapshot, judgeLockedFunds } from '../checks/funds.ts';
import { judgeSpending, type SpendLimit } from '../checks/spend-limit.ts';
import { type LedgerTransaction, prepared } from '../ledger/ledger.ts';
import { move } from '../ledger/move.ts';
import type { AccountRow, LedgerRow, TransferRow } from '../ledger/schema.ts';
import { type PauseInForce, pauseHold, pauseInForce, readPause } from '../pauses.ts';
import { assertPinned, lockAccount, type Pin } from '../pin.ts';
import type { LedgerEpoch } from '../restore/ledger-epoch.ts';

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
  | { begun: Attempt }
  /** A check says otherwise under the lock. Nothing was written. */
  | { stopped: Exclude<Verdict, { verdict: 'pass' }> }
  /** The balance is too old to judge by: read it again. Nothing was written. */
  | { stale: true }
  /** The ledger is not what this process knows it to be (law 9). Nothing was written. */
  | { restored: true }
  /** Somebody else moved the transfer. */
  | { lost: true };

/**
 * Commits the intent to send for the first time: queued → submitting. Pin, epoch, pauses, funds and spend limits are judged here, inside
 * the transaction that makes the send official and under the wallet's lock, so that two workers cannot both spend
 * the same money and no pause can be overtaken.
 */
export async function beginFirstSend(
  tx: LedgerTransaction,
  row: TransferRow,
  context: {
    pin: Pin;
    epoch: LedgerEpoch;
    worker: string;
    snapshot: BalanceSnapshot;
    /** An older snapshot is read again before money is judged by it. */
    balanceMaxAgeMs: number;
    limits?: readonly SpendLimit[];
    inputs: Record<string, unknown>;
  },
): Promise<Begun> {
  const { pin, snapshot } = context;
  const { account, soFarMinor } = await lockForSend(tx, row, pin);
  // After the locks: what others have committed is seen.
  const situation = readSituation(tx, row);
  if (!(await context.epoch.holds(tx, situation))) return { restored: true };
  const { pause, epoch } = await situation;
  if (pause) return { stopped: { verdict: 'hold', ...pauseHold(pause, tx.now) } };
  if (await isBreakerOpen(tx.db, row.account, account.unknown_streak)) return { stopped: breakerHold(tx.now) };
  if (row.expires_at && row.expires_at <= tx.now) return { lost: true };
  if (tx.now.getTime() - snapshot.askedAt.getTime() > context.balanceMaxAgeMs) return { stale: true };
  const funds = await judgeLockedFunds(tx, row, snapshot, { epoch, soFarMinor });
  if (funds.verdict !== 'pass') return { stopped: funds };
  const spending = await judgeSpending(tx.db, row, context.limits ?? [], tx.now);
  if (spending.verdict !== 'pass') return { stopped: spending };

  const body = row.send_body ?? bodyOf(row, pin);
  return startAttempt(tx, row, 'submitting', body, context.worker, { ...context.inputs, ...funds.inputs }, pin);
}

/** Commits the intent to send again under the same id; the transfer stays unconfirmed. */
export async function beginResend(
  tx: LedgerTransaction,
  row: TransferRow,
  context: { pin: Pin; epoch: LedgerEpoch; worker: string },
): Promise<Begun> {
  // Re-sends are few, and while the breaker is open one at a time is let through: they pass here one by one.
  const account = await lockAccount(tx, context.pin, 'update');
  const situation = readSituation(tx, row);
  if (!(await context.epoch.holds(tx, situation))) return { restored: true };
  const { pause } = await situation;
  if (pause) return { stopped: { verdict: 'hold', ...pauseHold(pause, tx.now) } };
  if (account.unknown_streak >= BREAKER_AFTER && (await isProbed(tx, row.account))) return { stopped: probedHold(tx.now) };
  if (row.send_body === null) throw new Error(`transfer ${row.id} is unconfirmed without a request`);
  return startAttempt(tx, row, 'unconfirmed', row.send_body, context.worker, {}, context.pin);
}

async function startAttempt(
  tx: LedgerTransaction,
  row: TransferRow,
  state: 'submitting' | 'unconfirmed',
  body: string,
  worker: string,
  inputs: Record<string, unknown>,
  pin: Pin,
): Promise<Begun> {
  assertSamePin(row, pin);
  const number = row.attempts + 1;
  const leaseUntil = new Date(tx.now.getTime() + LEASE_MS);
  const transfer = await move(tx, row, {
    to: state,
    type: state === 'submitting' ? 'submitting' : 'sent_again',
    actor: 'worker',
    detail: { attempt: number, worker, ...inputs },
    // A re-send keeps the sentence that says why the transfer is unconfirmed.
    ...(state === 'unconfirmed' && row.reason_code !== null ? { reasonCode: row.reason_code } : {}),
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
    },
    begins: { worker, bodyHash: createHash('sha256').update(body).digest('hex') },
  });
  if (!transfer) return { lost: true };
  return { begun: { transfer, number, startedAt: tx.now, body } };
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
 * Locks the account's row, shared, and the wallet's: in this order (law 10), in one statement.
 * @throws PinMismatch
 */
async function lockForSend(
  tx: LedgerTransaction,
  row: TransferRow,
  pin: Pin,
): Promise<{ account: AccountRow; soFarMinor: bigint }> {
  const { rows } = await sql<AccountRow & { reserved_so_far: string }>`${prepared}
    select a.name, a.base_url, a.environment, a.application_id, a.pinned_at, a.unknown_streak, w.reserved_so_far
    from kpay.accounts a join kpay.wallets w on w.account = a.name
    where a.name = ${pin.account} and w.currency = ${row.currency}
    for share of a for update of w`.execute(tx.db);
  const [locked] = rows;
  if (locked) {
    assertPinned(locked, pin);
    return { account: locked, soFarMinor: BigInt(locked.reserved_so_far) };
  }
  // The first send of this currency.
  await lockAccount(tx, pin);
  const wallet = { account: row.account, currency: row.currency };
  await tx.db
    .insertInto('kpay.wallets')
    .values(wallet)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return lockForSend(tx, row, pin);
}

/** The ledger's row and the pause in force, if there is one. */
async function readSituation(tx: LedgerTransaction, row: TransferRow): Promise<LedgerRow & { pause: PauseInForce | undefined }> {
  const transfer = {
    account: sql`${row.account}::text`,
    source_country: sql`${row.source_country}::text`,
    destination_country: sql`${row.destination_country}::text`,
  };
  const { rows } = await sql<LedgerRow & { pause: Parameters<typeof readPause>[0] }>`${prepared}
    select id, epoch, restored_at, seen_epoch, ${pauseInForce(transfer, sql`${tx.now}::timestamptz`)} as pause
    from kpay.ledger`.execute(tx.db);
  const [found] = rows;
  if (!found) throw new Error('the ledger has no row that says which it is');
  return { ...found, pause: readPause(found.pause) };
}
