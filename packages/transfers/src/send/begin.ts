import { createHash } from 'node:crypto';
import { transferBody } from '@kpay/core';
import { BREAKER_AFTER, breakerHold, isBreakerOpen, isProbed, probedHold } from '../breaker.ts';
import type { Verdict } from '../checks/check.ts';
import { type BalanceSnapshot, judgeFunds } from '../checks/funds.ts';
import { judgeSpending, type SpendLimit } from '../checks/spend-limit.ts';
import type { LedgerTransaction } from '../ledger/ledger.ts';
import { move } from '../ledger/move.ts';
import type { TransferRow } from '../ledger/schema.ts';
import { pauseHold, pauseInForce } from '../pauses.ts';
import { assertPinned, type Pin } from '../pin.ts';
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
  const account = await assertPinned(tx, pin);
  if (!(await context.epoch.holds(tx))) return { restored: true };
  const pause = await pauseInForce(tx.db, row, tx.now);
  if (pause) return { stopped: { verdict: 'hold', ...pauseHold(pause, tx.now) } };
  if (await isBreakerOpen(tx.db, row.account, account.unknown_streak)) return { stopped: breakerHold(tx.now) };
  if (row.expires_at && row.expires_at <= tx.now) return { lost: true };

  await lockWallet(tx, row);
  if (tx.now.getTime() - snapshot.askedAt.getTime() > context.balanceMaxAgeMs) return { stale: true };
  const funds = await judgeFunds(tx.db, row, snapshot, tx.now);
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
  const account = await assertPinned(tx, context.pin, 'update');
  if (!(await context.epoch.holds(tx))) return { restored: true };
  const pause = await pauseInForce(tx.db, row, tx.now);
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
  });
  if (!transfer) return { lost: true };
  await tx.db
    .insertInto('kpay.attempts')
    .values({
      transfer_id: row.id,
      number,
      account: row.account,
      worker,
      started_at: tx.now,
      lease_until: leaseUntil,
      body_hash: createHash('sha256').update(body).digest('hex'),
    })
    .execute();
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

async function lockWallet(tx: LedgerTransaction, row: TransferRow): Promise<void> {
  const wallet = { account: row.account, currency: row.currency };
  await tx.db
    .insertInto('kpay.wallets')
    .values(wallet)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await tx.db
    .selectFrom('kpay.wallets')
    .select('currency')
    .where('account', '=', row.account)
    .where('currency', '=', row.currency)
    .forUpdate()
    .execute();
}
