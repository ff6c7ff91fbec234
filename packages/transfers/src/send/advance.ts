import {
  type Clock,
  type KpayAccount,
  KpayError,
  type Observed,
  RejectedError,
  type TransferPermit,
  type WalletBalance,
} from '@kpay/core';
import {
  batchCalls,
  currentTraceparent,
  isLedgerAway,
  isUnstorable,
  type Ledger,
  type LedgerTransaction,
  prepared,
  rowsFromJson,
  type TransferRow,
  timeOf,
  transferColumns,
} from '@kpay/ledger';
import { sql } from 'kysely';
import type { Pin } from '../accounts/pin.ts';
import { attemptName } from '../accounts/recent-sends.ts';
import { askCheck, CHECK_FAILED } from '../checks/ask-check.ts';
import type { Check, CheckContext, CheckVerdict } from '../checks/check.ts';
import { snapshotOf } from '../checks/funds.ts';
import type { SpendLimit } from '../checks/spend-limit.ts';
import { type PauseInForce, pauseHold, pauseInForce, readPause } from '../holds/pauses.ts';
import { columnsOf, type RefusalInForce, refusalHold, refusalInForce } from '../holds/refusals.ts';
import type { LedgerEpoch } from '../restore/ledger-epoch.ts';
import { type Answer, answerOf, withoutText } from '../states/answer.ts';
import { type AttemptOutcome, reasonCodeOf } from '../states/reasons.ts';
import { transition } from '../states/transition.ts';
import { resendDelayMs } from './backoff.ts';
import { type Attempt, type Begun, beginFirstSends, beginResend, type FirstSend, LEASE_MS } from './begin.ts';
import { breakerHold, isBreakerOpen } from './breaker.ts';
import { RESEND_FOR_MS, unconfirmedTooLong } from './outcome.ts';
import { expireAttempt, type Settled, type Success, settleAttempt, settleSuccesses } from './settle.ts';
import { nameAnswer, traceStep } from './trace-step.ts';

/** The pause between two attempts to store an answer: before and after the lease has ended. */
const SETTLE_AGAIN_MS = 500;
const SETTLE_LATE_MS = 5_000;
/**
 * How long the checks' verdicts stay valid, from when the first check began. A wait for a slot or a token can outlast a send
 * window or a good rate; then all checks run again.
 */
const VERDICTS_VALID_MS = 1_000;
/** The largest batch of transfers that share a round trip. */
const MAX_TOGETHER = 50;

/** What the transfers of one account need to be advanced. */
export interface TransferEngine {
  ledger: Ledger;
  account: KpayAccount;
  /** The KPay application of the account (pinAccount). Nothing is sent without it (law 7). */
  pin: Pin;
  /** Knows whether the ledger was restored; then nothing advances (law 9). */
  epoch: LedgerEpoch;
  checks: readonly Check[];
  /** Evaluated again in the transaction that commits a first send. */
  limits?: readonly SpendLimit[];
  clock: Clock;
  /** Names this process in attempts and events. */
  worker: string;
  conflictConfirmMs: number;
  random: () => number;
  /** Called when a person should act. */
  onAlarm: (transfer: TransferRow, alarm: string) => void;
  /** Called with the outcome of each send; `lease_expired` when its process died. */
  onAnswer?: (answer: AttemptOutcome, transfer: TransferRow) => void;
  /** Called once when the process stops with an answer that is not stored yet; the answer may be lost with the process. */
  onUnstored?: (answer: Answer['kind'], transfer: TransferRow) => void;
  /** Called with the error of a check, for the log. The transfer is held with the check's name. */
  onCheckFailed?: (transfer: TransferRow, check: string, error: unknown) => void;
}

/**
 * Advances a transfer by one step: runs its checks, sends it, sends it again, or detects that its sender died. It is safe to
 * call at any time and from several processes at once, because each step compares the row's version: all but one lose.
 *
 * @returns the transfer after this step; undefined when there was nothing to do (not due, or another process has it).
 */
export async function advanceTransfer(engine: TransferEngine, id: string, signal: AbortSignal): Promise<TransferRow | undefined> {
  if (engine.epoch.refusal() !== undefined) return undefined;
  const due = await takeDue(engine, id);
  if (!due) return undefined;
  return traceStep(due.row, () => takeStep(engine, due, signal));
}

async function takeStep(engine: TransferEngine, due: Due, signal: AbortSignal): Promise<TransferRow | undefined> {
  const { row } = due;
  if (row.state === 'queued' || row.state === 'holding') return firstSend(engine, due, signal);
  if (row.state === 'unconfirmed') return resend(engine, due, signal);
  return row;
}

/** A due transfer, with the state of its account at the same moment. */
interface Due {
  row: TransferRow;
  now: Date;
  pause: PauseInForce | undefined;
  refusal: RefusalInForce | null;
  unknownStreak: number;
}

/** The transfer if it is due, after the transitions that time alone causes: expiry, a lost lease, the end of the re-sends. */
async function takeDue(engine: TransferEngine, id: string): Promise<Due | undefined> {
  const seen = await readDue(engine.ledger, id);
  if (!seen) return undefined;
  const { row, now } = seen;
  if (!row.due_at || row.due_at > now) return undefined;
  if (row.lease_until === null && !isOver(row, now)) return seen;
  const moved = await engine.ledger.transaction((tx) => transitionByTime(tx, engine, row));
  if (moved === 'unchanged') return seen;
  return moved && { ...seen, row: moved };
}

/** Reads in one statement what is evaluated before a send. The submitting transaction evaluates it again, under the locks. */
async function readDue(ledger: Ledger, id: string): Promise<Due | undefined> {
  // Throws inside a transaction (law 10).
  void ledger.db;
  return readDueTogether(ledger, id);
}

const readDueTogether = batchCalls<Ledger, string, Due | undefined>({
  run: readDueBatch,
  maxSize: () => MAX_TOGETHER,
  delay: (ledger) => ledger.batchDelay(),
});

async function readDueBatch(ledger: Ledger, ids: readonly string[]): Promise<(Due | undefined)[]> {
  const { rows } = await ledger.statement((statement) => {
    const transfer = {
      account: sql`t.account`,
      source_country: sql`t.source_country`,
      destination_country: sql`t.destination_country`,
    };
    return sql<
      TransferRow & { now: Date; pause: Parameters<typeof readPause>[0]; refusal: RefusalInForce | null; unknown_streak: number }
    >`${prepared}
      with moment as materialized (select ${timeOf(statement)} as at)
      select ${transferColumns}, (select at from moment) as now, ${pauseInForce(transfer, sql`(select at from moment)`)} as pause,
        ${refusalInForce(columnsOf('t'), sql`(select at from moment)`)} as refusal,
        coalesce((select unknown_streak from kpay.accounts where name = t.account), 0) as unknown_streak
      from ${rowsFromJson(ids.map((id) => ({ id })))} as asked
      cross join lateral (select * from kpay.transfers where id = (asked.item ->> 'id')::uuid limit 1) t`.execute(statement.db);
  });
  const found = new Map(
    rows.map(({ now, pause, refusal, unknown_streak: unknownStreak, ...row }) => [
      row.id,
      { row, now, pause: readPause(pause), refusal, unknownStreak },
    ]),
  );
  return ids.map((id) => found.get(id));
}

async function transitionByTime(
  tx: LedgerTransaction,
  engine: TransferEngine,
  row: TransferRow,
): Promise<TransferRow | undefined | 'unchanged'> {
  // Until the lease ends, the attempt belongs to its sender, even when the row is due.
  if (row.lease_until !== null && row.lease_until > tx.now) return undefined;
  if (!isOver(row, tx.now)) return 'unchanged';
  // In a restored ledger the row may have been sent since the backup (law 9).
  if (!(await engine.epoch.holds(tx))) return undefined;
  if (row.lease_until !== null) {
    const expired = await expireAttempt(tx, row, engine);
    if (expired) engine.onAnswer?.('lease_expired', row);
    return report(engine, expired);
  }
  if (row.state !== 'unconfirmed') {
    const last = row.reason === null ? '' : `; last: ${row.reason}`;
    const reason = `not sent by ${row.expires_at?.toISOString()}${last}`;
    return transition(tx, row, { to: 'expired', type: 'expired', actor: 'worker', reasonCode: 'expired', reason });
  }
  const { alarm, ...step } = unconfirmedTooLong();
  const transfer = await transition(tx, row, { ...step, actor: 'worker' });
  return report(engine, transfer && { transfer, ...(alarm === undefined ? {} : { alarm }) });
}

/** Whether the lease, the validity or the time for re-sends has ended. */
function isOver({ state, lease_until, expires_at, unknown_since }: TransferRow, now: Date): boolean {
  if (lease_until !== null) return lease_until <= now;
  if (state !== 'unconfirmed') return expires_at !== null && expires_at <= now;
  return unknown_since !== null && now.getTime() > unknown_since.getTime() + RESEND_FOR_MS;
}

async function firstSend(engine: TransferEngine, due: Due, signal: AbortSignal): Promise<TransferRow | undefined> {
  const { clock } = engine;
  let checkedFromMs = clock.monotonicMs();
  const checked = await runChecks(engine, due, signal);
  if (checked.verdict !== 'pass') return hold(engine, due.row, checked);
  const row = due.row.state === 'queued' ? due.row : await requeue(engine, due.row);
  if (!row || !(await engine.epoch.beforeSend())) return undefined;

  const prepared = await prepare(engine, signal);
  if (prepared.kind === 'held') return hold(engine, row, prepared.verdict);
  const { permit } = prepared;
  try {
    // The wait for a slot may have outlasted the balance's maximum age: then it is read again.
    const balanceMaxAgeMs = engine.account.observations.maxAgeOf('balance');
    for (const maxAgeMs of [balanceMaxAgeMs, balanceMaxAgeMs / 2, 0]) {
      const read = await readBalance(engine, maxAgeMs, due.now, signal);
      if (read.kind === 'held') return await hold(engine, row, read.verdict);
      const { observed } = read;
      if (clock.monotonicMs() - checkedFromMs > VERDICTS_VALID_MS) {
        checkedFromMs = clock.monotonicMs();
        const again = await evaluateAgain(engine, row, signal);
        if (again === undefined) return undefined;
        if (again.verdict !== 'pass') return await hold(engine, row, again);
        checked.inputs = again.inputs;
      }
      const startedMs = clock.monotonicMs();
      const begun = await beginTogether(engine, { row, observed, inputs: checked.inputs, trace: currentTraceparent() });
      if (begun.kind === 'begun') return await send(engine, permit, begun.attempt, startedMs, signal);
      if (begun.kind === 'stopped') return await hold(engine, row, begun.verdict);
      if (begun.kind !== 'stale') return undefined;
    }
    return undefined;
  } finally {
    await permit.release();
  }
}

const beginTogether = batchCalls<TransferEngine, Omit<FirstSend, 'snapshot'> & { observed: Observed<WalletBalance[]> }, Begun>({
  run: (engine, sends) =>
    engine.ledger.transaction((tx) => {
      const { pin, epoch, worker, limits = [], clock, account } = engine;
      const context = { pin, epoch, worker, limits, balanceMaxAgeMs: account.observations.maxAgeOf('balance') };
      const checked = sends.map(({ observed, ...send }) => ({
        ...send,
        snapshot: snapshotOf(observed, clock.now(), tx.now),
      }));
      return beginFirstSends(tx, checked, context);
    }),
  // Spend limits count written rows, so each transfer must be written before the next is evaluated.
  maxSize: ({ limits = [] }) => (limits.length > 0 ? 1 : MAX_TOGETHER),
  delay: ({ ledger }) => ledger.batchDelay(),
});

async function readBalance(
  { account }: TransferEngine,
  maxAgeMs: number,
  now: Date,
  signal: AbortSignal,
): Promise<{ kind: 'read'; observed: Observed<WalletBalance[]> } | Held> {
  try {
    return { kind: 'read', observed: await account.observations.balance({ maxAgeMs, lane: 'checks', signal }) };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'held', verdict: unavailable(error, 'the balance', now) };
  }
}

async function resend(engine: TransferEngine, { row }: Due, signal: AbortSignal): Promise<TransferRow | undefined> {
  if (!(await engine.epoch.beforeSend())) return undefined;
  const prepared = await prepare(engine, signal);
  if (prepared.kind === 'held') return reschedule(engine, row, prepared.verdict.until);
  const { permit } = prepared;
  try {
    const startedMs = engine.clock.monotonicMs();
    const begun = await engine.ledger.transaction((tx) => beginResend(tx, row, engine));
    if (begun.kind === 'begun') return await send(engine, permit, begun.attempt, startedMs, signal);
    if (begun.kind === 'stopped' && begun.verdict.verdict === 'hold') return await reschedule(engine, row, begun.verdict.until);
    return undefined;
  } finally {
    await permit.release();
  }
}

/**
 * Sends the committed attempt and stores its outcome (law 2). If the process dies in between, the lease ends and the outcome
 * counts as unknown.
 */
async function send(
  engine: TransferEngine,
  permit: TransferPermit,
  attempt: Attempt,
  startedMs: number,
  signal: AbortSignal,
): Promise<TransferRow | undefined> {
  const answer = await permit
    .send(attempt.body, {
      leaseExpiresAtMs: startedMs + LEASE_MS,
      attempt: attemptName(attempt.transfer.id, attempt.number),
    })
    .then((receipt) => ({ kind: 'succeeded', receipt }) as const, answerOf);
  engine.onAnswer?.(answer.kind, attempt.transfer);
  nameAnswer(answer);
  const { ledger } = engine;
  const trace = currentTraceparent();
  const { id, account } = attempt.transfer;
  const settleAs = (known: Answer) =>
    ledger.transaction((tx) => settleAttempt(tx, id, attempt.number, known, { ...engine, account }));
  const settle = async () => {
    try {
      const success = answer.kind === 'succeeded' && (await settleTogether(ledger, { attempt, receipt: answer.receipt, trace }));
      return success || (await settleAs(answer));
    } catch (error) {
      if (!isUnstorable(error)) throw error;
      return settleUnstorable(answer, settleAs);
    }
  };
  const endsDoubt = proves(answer, attempt.transfer);
  const patience = { endsDoubt, signal, onStopping: () => engine.onUnstored?.(answer.kind, attempt.transfer) };
  try {
    return report(engine, await untilStored(engine.clock, startedMs, patience, settle));
  } catch (error) {
    if (!endsDoubt || isLedgerAway(error)) throw error;
    // The answer could not be stored for a whole lease: store at least that KPay answered. The error goes to the log.
    const lost = () => settleAs({ kind: 'answer_lost', detail: answer.kind });
    report(engine, await untilStored(engine.clock, startedMs, patience, lost));
    throw error;
  }
}

/**
 * Whether this answer must be stored, because a later 409 would be misread without it. True for a 201, a refusal, and a
 * 409 to a first send.
 */
function proves({ kind }: Answer, { state }: TransferRow): boolean {
  if (kind === 'conflict') return state === 'submitting';
  return kind === 'succeeded' || kind === 'refused' || kind === 'insufficient_funds' || kind === 'not_completed';
}

/** Stores the outcome without its text. If that fails, stores only that KPay answered: then no later 409 confirms. */
async function settleUnstorable(
  answer: Answer,
  settleAs: (known: Answer) => Promise<Settled | undefined>,
): Promise<Settled | undefined> {
  try {
    return await settleAs(withoutText(answer));
  } catch (error) {
    if (!isUnstorable(error)) throw error;
    return settleAs({ kind: 'answer_lost', detail: answer.kind });
  }
}

const settleTogether = batchCalls<Ledger, Success, Settled | undefined>({
  run: (ledger, successes) => ledger.statement((statement) => settleSuccesses(statement, successes)),
  maxSize: () => MAX_TOGETHER,
  delay: (ledger) => ledger.batchDelay(),
});

/**
 * Retries `commit` while the ledger restarts, so that a known answer is not lost. An answer that decides what a later 409 means
 * (`endsDoubt`) is retried beyond the lease, for as long as this process lives.
 */
async function untilStored<T>(
  clock: Clock,
  startedMs: number,
  { endsDoubt, signal, onStopping }: { endsDoubt: boolean; signal: AbortSignal; onStopping: () => void },
  commit: () => Promise<T>,
): Promise<T> {
  let reported = false;
  for (;;) {
    try {
      return await commit();
    } catch (error) {
      if (signal.aborted && !reported) onStopping();
      reported ||= signal.aborted;
      const leaseIsOver = clock.monotonicMs() > startedMs + LEASE_MS;
      if (leaseIsOver && (!endsDoubt || signal.aborted || !isLedgerAway(error))) throw error;
      await clock.sleep(leaseIsOver ? SETTLE_LATE_MS : SETTLE_AGAIN_MS);
    }
  }
}

async function runChecks(
  engine: TransferEngine,
  { row, now, pause, refusal, unknownStreak }: Due,
  signal: AbortSignal,
): Promise<Exclude<CheckVerdict, { verdict: 'pass' }> | { verdict: 'pass'; inputs: Record<string, unknown> }> {
  if (pause) return { verdict: 'hold', ...pauseHold(pause, now) };
  if (await isBreakerOpen(engine.ledger.db, row.account, unknownStreak, now)) return breakerHold(now);
  // Before any check, so that transfers of a group that KPay refuses cost no request.
  if (refusal?.isClosed) return refusalHold(refusal, row, now);
  const context: CheckContext = { account: engine.account, ledger: engine.ledger, now, signal };
  let inputs: Record<string, unknown> = {};
  for (const check of engine.checks) {
    const verdict = await evaluate(engine, check, row, context);
    inputs = { ...inputs, ...verdict.inputs };
    if (verdict.verdict !== 'pass') return { ...verdict, inputs };
  }
  return { verdict: 'pass', inputs };
}

/** Runs all checks again after a wait. Undefined when another process changed the transfer. */
async function evaluateAgain(
  engine: TransferEngine,
  row: TransferRow,
  signal: AbortSignal,
): Promise<Awaited<ReturnType<typeof runChecks>> | undefined> {
  const due = await readDue(engine.ledger, row.id);
  return due && due.row.version === row.version ? runChecks(engine, due, signal) : undefined;
}

/** Runs one check. A check that throws holds the transfer: no answer is not a pass. */
async function evaluate(
  { onCheckFailed }: TransferEngine,
  check: Check,
  row: TransferRow,
  context: CheckContext,
): Promise<CheckVerdict> {
  try {
    return await askCheck(check, row, context);
  } catch (error) {
    context.signal.throwIfAborted();
    const held = unavailable(error, `check ${check.name}`, context.now);
    if (held.code === CHECK_FAILED) onCheckFailed?.(row, check.name, error);
    return held;
  }
}

/** Takes a token and a slot, or returns the hold that says why there is none. */
async function prepare(engine: TransferEngine, signal: AbortSignal): Promise<{ kind: 'ready'; permit: TransferPermit } | Held> {
  try {
    return { kind: 'ready', permit: await engine.account.client.prepareTransfer({ lane: 'money', signal }) };
  } catch (error) {
    signal.throwIfAborted();
    const now = await engine.ledger.transaction((tx) => Promise.resolve(tx.now));
    return { kind: 'held', verdict: unavailable(error, 'KPay', now) };
  }
}

/** Something that a send needs is not available now. */
interface Held {
  kind: 'held';
  verdict: Extract<CheckVerdict, { verdict: 'hold' }>;
}

/** The hold of a transfer for which a read failed. */
export function unavailable(error: unknown, what: string, now: Date): Extract<CheckVerdict, { verdict: 'hold' }> {
  const inSeconds = (seconds: number) => new Date(now.getTime() + seconds * 1_000);
  if (error instanceof RejectedError && error.status === 401) {
    return { verdict: 'hold', code: 'unauthorized', reason: 'KPay refuses our keys (401)', until: inSeconds(60) };
  }
  if (error instanceof KpayError) {
    return {
      verdict: 'hold',
      code: 'kpay_unavailable',
      reason: `${what}: KPay gave no usable answer (${error.message})`,
      until: inSeconds(10),
    };
  }
  return { verdict: 'hold', code: CHECK_FAILED, reason: `${what} failed`, until: inSeconds(60) };
}

async function requeue(engine: TransferEngine, row: TransferRow): Promise<TransferRow | undefined> {
  return engine.ledger.transaction((tx) =>
    transition(tx, row, { to: 'queued', type: 'released', actor: 'worker', set: { due_at: tx.now } }),
  );
}

/** Holds the transfer, or fails it when a check rejects it. */
async function hold(
  engine: TransferEngine,
  row: TransferRow,
  verdict: Exclude<CheckVerdict, { verdict: 'pass' }>,
): Promise<TransferRow | undefined> {
  return engine.ledger.transaction(async (tx) => {
    const why = {
      reasonCode: reasonCodeOf(verdict.code),
      reason: verdict.reason,
      actor: 'worker',
      ...(verdict.inputs && { detail: verdict.inputs }),
    };
    if (verdict.verdict === 'reject') {
      if (!(await engine.epoch.holds(tx))) return undefined;
      const queued =
        row.state === 'queued'
          ? row
          : await transition(tx, row, { to: 'queued', type: 'released', actor: 'worker', set: { due_at: tx.now } });
      return queued && transition(tx, queued, { ...why, to: 'failed', type: 'check_rejected' });
    }
    const due = row.expires_at && row.expires_at < verdict.until ? row.expires_at : verdict.until;
    const set = { hold_until: verdict.until, due_at: due };
    if (row.state === 'holding' && row.reason_code === verdict.code) {
      // Held for the same reason as before, so no event.
      return tx.db
        .updateTable('kpay.transfers')
        .set({ ...set, reason: verdict.reason, updated_at: tx.now })
        .where('id', '=', row.id)
        .where('version', '=', row.version)
        .returningAll()
        .executeTakeFirst();
    }
    return transition(tx, row, { ...why, to: 'holding', type: 'held', set });
  });
}

/** Makes an unconfirmed transfer due later. Nothing happened, so there is no event. */
async function reschedule(engine: TransferEngine, row: TransferRow, until: Date): Promise<TransferRow | undefined> {
  return engine.ledger.transaction((tx) => {
    const atLeast = new Date(tx.now.getTime() + resendDelayMs(row.tries, engine.random));
    return tx.db
      .updateTable('kpay.transfers')
      .set({ due_at: until > atLeast ? until : atLeast })
      .where('id', '=', row.id)
      .where('version', '=', row.version)
      .returningAll()
      .executeTakeFirst();
  });
}

function report(engine: TransferEngine, settled: Settled | undefined): TransferRow | undefined {
  if (settled?.alarm !== undefined) engine.onAlarm(settled.transfer, settled.alarm);
  return settled?.transfer;
}
