import type { TransferReceipt } from '@kpay/core';
import type { AttemptRow, LedgerStatement, LedgerTransaction, TransferRow } from '@kpay/ledger';
import { sql } from 'kysely';
import { countRefusal, nothingRefused } from '../holds/refusals.ts';
import type { Answer } from '../states/answer.ts';
import { stopReplays } from '../states/replays.ts';
import { isFinal } from '../states/states.ts';
import { type EndedAttempt, type Transition, transition, transitionMany } from '../states/transition.ts';
import { countAnswer } from './breaker.ts';
import { type Outcome, type OutcomeContext, outcomeOf, succeeded } from './outcome.ts';

export interface Settled {
  transfer: TransferRow;
  alarm?: string;
}

type SettleContext = Pick<OutcomeContext, 'conflictConfirmMs' | 'random'>;

/** An attempt that KPay answered with 201. */
export interface Success {
  attempt: { transfer: TransferRow; number: number };
  receipt: TransferReceipt;
  /** The trace context to store with the transition (currentTraceparent). */
  trace: string | null;
}

/**
 * Commits 201s in one statement, which covers nearly every outcome.
 *
 * @returns undefined, with nothing written, for a transfer that changed since its attempt, or whose account has breaker
 *   counts that this answer resets. settleAttempt then handles it.
 */
export async function settleSuccesses(
  statement: LedgerStatement,
  successes: readonly Success[],
): Promise<(Settled | undefined)[]> {
  const outcomes = successes.map(({ attempt: { transfer, number }, receipt, trace }) => {
    const { alarm, detail, ...step } = succeeded(transfer, receipt);
    const settled: Transition = {
      ...step,
      actor: 'worker',
      detail: { attempt: number, ...detail },
      set: { ...step.set, moved_trace: trace },
      ends: endOf(number, { kind: 'succeeded', receipt }),
    };
    return { row: transfer, step: settled, alarm };
  });
  const moved = await transitionMany(statement, outcomes, accountIsCalm);
  return outcomes.map(({ alarm }, index) => {
    const transfer = moved[index];
    return transfer && { transfer, ...(alarm === undefined ? {} : { alarm }) };
  });
}

const accountIsCalm = sql<boolean>`not exists (
  select from kpay.accounts a where a.name = transfers.account and a.unknown_streak > 0) and ${nothingRefused}`;

/**
 * Commits KPay's answer to an attempt. The answer changes the transfer only while that attempt is the one under way. An
 * answer that arrives after the sweep gave the attempt up is recorded with the attempt. A late 201 still settles the
 * transfer, because it proves that the money moved.
 */
export async function settleAttempt(
  tx: LedgerTransaction,
  id: string,
  number: number,
  answer: Answer,
  context: SettleContext & { account: string },
): Promise<Settled | undefined> {
  await countAnswer(tx, context.account, answer);
  await countRefusal(tx, id, number, answer);
  const row = await tx.db.selectFrom('kpay.transfers').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
  const attempt = await findAttempt(tx, id, number);
  if (!row || !attempt) throw new Error(`attempt ${number} of transfer ${id} is not in the ledger`);
  const underWay = row.lease_until !== null && row.attempts === number;
  if (!underWay) return settleLate(tx, row, attempt, answer, context);
  await endAttempt(tx, attempt, answer);
  return apply(tx, row, number, await outcomeFor(tx, row, attempt, answer, context));
}

/**
 * The outcome of an answer. Where it would send again, the answers to earlier attempts are considered first: after one
 * that leads to review, nothing is sent automatically.
 */
async function outcomeFor(
  tx: LedgerTransaction,
  row: TransferRow,
  attempt: AttemptRow,
  answer: Answer,
  context: SettleContext,
): Promise<Outcome> {
  const at = { ...context, now: tx.now, attemptStartedAt: attempt.started_at };
  const outcome = outcomeOf(row, answer, at);
  if (outcome.to !== 'unconfirmed' || row.state !== 'unconfirmed') return outcome;
  const late = await tx.db
    .selectFrom('kpay.attempts')
    .select(['outcome', 'detail'])
    .where('transfer_id', '=', row.id)
    .where('number', '<', attempt.number)
    .where('outcome', 'in', ['not_completed', 'answer_lost'])
    .where('ended_at', '>=', attempt.started_at)
    .limit(1)
    .executeTakeFirst();
  if (!late) return outcome;
  if (late.outcome === 'answer_lost') return outcomeOf(row, { kind: 'answer_lost', detail: late.detail ?? '' }, at);
  const detail = late.detail === null ? {} : { detail: late.detail };
  return outcomeOf(row, { kind: 'not_completed', status: 201, ...detail }, at);
}

/**
 * Settles an attempt whose lease ended: its process died or hangs. If it sent anything, the outcome is unknown.
 * Undefined when another process has settled it meanwhile.
 */
export async function expireAttempt(
  tx: LedgerTransaction,
  seen: TransferRow,
  context: SettleContext,
): Promise<Settled | undefined> {
  // Read again under the lock, because two sweeps may arrive at the same time.
  const row = await tx.db.selectFrom('kpay.transfers').selectAll().where('id', '=', seen.id).forUpdate().executeTakeFirst();
  if (!row || row.version !== seen.version) return undefined;
  const attempt = await findAttempt(tx, row.id, row.attempts);
  if (!attempt) throw new Error(`attempt ${row.attempts} of transfer ${row.id} is not in the ledger`);
  const answer: Answer = { kind: 'unknown', detail: 'lease_expired' };
  await endAttempt(tx, attempt, answer);
  const outcome = await outcomeFor(tx, row, attempt, answer, context);
  // Re-send at once: the lease already covered the waiting time.
  const due_at = outcome.to === 'review' ? null : tx.now;
  // The next step links to the lost send, not to the sweep that found it.
  return apply(tx, row, row.attempts, { ...outcome, set: { ...outcome.set, due_at, moved_trace: row.moved_trace } });
}

async function settleLate(
  tx: LedgerTransaction,
  row: TransferRow,
  attempt: AttemptRow,
  answer: Answer,
  context: SettleContext,
): Promise<Settled | undefined> {
  await endAttempt(tx, attempt, answer);
  if (answer.kind === 'succeeded') return succeedLate(tx, row, attempt.number, answer.receipt);
  const endsInReview = answer.kind === 'not_completed' || answer.kind === 'answer_lost';
  if (endsInReview && row.state === 'unconfirmed' && row.lease_until === null) {
    return apply(
      tx,
      row,
      attempt.number,
      outcomeOf(row, answer, { ...context, now: tx.now, attemptStartedAt: attempt.started_at }),
    );
  }
  // The attempt with which the doubt began had no earlier send. So its 409 concerned another sender's transfer.
  const collided = answer.kind === 'conflict' && attempt.started_at.getTime() === row.unknown_since?.getTime();
  if (endsInReview || collided || answer.kind === 'refused' || answer.kind === 'insufficient_funds') {
    // A later 409 must not count as proof (law 5).
    await tx.db.updateTable('kpay.transfers').set({ refused_before: true }).where('id', '=', row.id).execute();
  }
  return undefined;
}

/** A 201 is never dropped, however late: the money moved, whatever was decided meanwhile. */
async function succeedLate(
  tx: LedgerTransaction,
  row: TransferRow,
  number: number,
  receipt: TransferReceipt,
): Promise<Settled | undefined> {
  const outcome = succeeded(row, receipt);
  if (row.state === 'unconfirmed' || row.state === 'review') return apply(tx, row, number, outcome);
  if (!isFinal(row.state)) return undefined;
  if (row.state === 'succeeded') {
    // It was confirmed by conflicts or by a person. Only now are KPay's id and the rate known.
    if (row.kpay_transfer_id !== null) return undefined;
    return apply(tx, row, number, { ...outcome, type: 'receipt_late' });
  }
  // A person said that it did not happen. The state is final, but the receipt stops replays.
  const moved = `KPay answered 201 after this transfer was settled as ${row.state}: its money has moved (KPay's id ${receipt.id})`;
  const alarm = [moved, ...(await stopReplays(tx, row))].join('; ');
  return apply(tx, row, number, {
    to: row.state,
    type: 'succeeded_late',
    reasonCode: 'succeeded_late',
    reason: moved,
    alarm,
    ...(outcome.detail && { detail: outcome.detail }),
    ...(outcome.set && { set: outcome.set }),
  });
}

async function apply(tx: LedgerStatement, row: TransferRow, attempt: number, outcome: Outcome): Promise<Settled | undefined> {
  const { alarm, detail, ...step } = outcome;
  const transfer = await transition(tx, row, { ...step, actor: 'worker', detail: { attempt, ...detail } });
  return transfer && { transfer, ...(alarm === undefined ? {} : { alarm }) };
}

async function findAttempt(tx: LedgerTransaction, id: string, number: number): Promise<AttemptRow | undefined> {
  return tx.db
    .selectFrom('kpay.attempts')
    .selectAll()
    .where('transfer_id', '=', id)
    .where('number', '=', number)
    .executeTakeFirst();
}

async function endAttempt(tx: LedgerTransaction, attempt: AttemptRow, answer: Answer): Promise<void> {
  const { number, ...end } = endOf(attempt.number, answer);
  await tx.db
    .updateTable('kpay.attempts')
    .set({ ended_at: tx.now, ...end })
    .where('transfer_id', '=', attempt.transfer_id)
    .where('number', '=', number)
    .execute();
}

function endOf(number: number, answer: Answer): EndedAttempt {
  return {
    number,
    outcome: answer.kind,
    status: 'status' in answer ? (answer.status ?? null) : null,
    detail: 'detail' in answer ? (answer.detail ?? null) : null,
  };
}
