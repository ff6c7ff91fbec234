import { assertNumber, kindOf } from '../arguments.ts';
import { InvalidArgumentError, KpayError, OutcomeUnknownError, RejectedError, RetryableError } from '../errors.ts';
import { type Clock, systemClock } from '../time/clock.ts';
import { assertCallOptions, type CallOptions } from './call-options.ts';
import type { KpayClient } from './client.ts';
import { assertTransferFields, type TransferFields, transferBody } from './transfer-body.ts';
import type { TransferMemory } from './transfer-memory.ts';
import { digestOf, newNotes, readNotes, type TransferEnd, type TransferNotes, writeNotes } from './transfer-notes.ts';
import type { TransferReceipt } from './transfer-receipt.ts';

/** How `transferUntilKnown` goes on, and where it keeps what it knows. */
export interface UntilKnownOptions extends CallOptions {
  /**
   * Keeps what is known across crashes: a file (`createFileMemory`), a row, a key. Without it a crash forgets whether
   * something was sent.
   */
  memory?: TransferMemory | undefined;
  /**
   * A process before this one may have sent these fields, and no memory shows what it was answered. A conflict then proves
   * nothing: the call ends with OutcomeUnknownError. Not needed with a memory.
   */
  sentBefore?: boolean | undefined;
  /** Milliseconds to go on for; six hours unless given. KPay does not say for how long it remembers ids: 24 hours at most. */
  giveUpAfterMs?: number | undefined;
  /** Milliseconds between two conflicts that confirm; 60,000 unless given. Shorter only in tests with scaled time. */
  conflictConfirmMs?: number | undefined;
  /** Time for the waits; the machine's unless given. */
  clock?: Clock | undefined;
}

/** A transfer that was made: by KPay's answer, or because KPay said twice, a minute apart, that its id is held. */
export type KnownTransfer = (
  | {
      /** KPay answered 201. */
      confirmedBy: 'answer';
      /** What KPay answered. */
      receipt: TransferReceipt;
    }
  | {
      /** Two 409 after an unknown outcome: the transfer was made, and KPay shows no receipt for it. */
      confirmedBy: 'conflict';
    }
) & {
  /** Why `memory.save` failed, when it did: the transfer was made, and the memory does not know how it ended. */
  memoryError?: unknown;
};

/** What sends: a `KpayClient`, or whatever sends as its `transfer` does. */
export interface TransferSender extends Pick<KpayClient, 'transfer'>, Partial<Pick<KpayClient, 'applicationId'>> {
  /** Kept with the memory, so that a transfer of TEST is never taken for one of PRODUCTION. */
  readonly environment?: string | undefined;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const FIRST_WAIT_MS = 2_000;
const MAX_WAIT_MS = 60_000;
/** Between tries to save an answer: what KPay said must not be lost because a store hiccuped. */
const SAVE_AGAIN_AFTER_MS: readonly number[] = [100, 1_000];

/**
 * Sends a transfer, and after an unknown outcome the same fields again under the same externalId, until it is known what
 * became of it. Money moves once at most, however often it is sent.
 *
 * Known is: KPay answered 201; or an outcome was unknown, KPay never refused this id, and it answered two 409, 60 s apart,
 * with no unknown outcome between (laws 4 and 5 of kpay-ops).
 *
 * After a crash call it again with the same fields and memory. One call at a time: two at once still move the money once,
 * but each overwrites what the other noted, so a wrong "confirmed" is possible.
 *
 * @throws RejectedError: KPay refused the only sends there were (400, 401, 403, 404, 422); nothing was done.
 * @throws RetryableError: nothing was sent, or KPay answered 429; nothing was done. Also when `memory.save` failed before the
 *   first send.
 * @throws OutcomeUnknownError: it may have moved money; never send it under another externalId. `next` says how to go on:
 *   `send_again` (time was over, the signal aborted, a save failed: call again with the same fields and memory) or
 *   `ask_kpay` (a 409 that proves nothing, a refused repeat, a 201 that says that it is not completed, more than 24 hours
 *   since the first send: nothing is sent again, a person looks at KPay's dashboard).
 * @throws KpayAbortError: the signal ended it before anything was sent.
 * @throws InvalidArgumentError, InvalidAmountError, UnknownCountryError: an argument is wrong, or the memory is another
 *   transfer's.
 */
export async function transferUntilKnown(
  client: TransferSender,
  fields: TransferFields,
  options: UntilKnownOptions = {},
): Promise<KnownTransfer> {
  const { memory, sentBefore = false, giveUpAfterMs, conflictConfirmMs, clock = systemClock, ...call } = options;
  assertTransferFields(fields);
  assertCallOptions(call);
  assertMemory(memory);
  const confirmMs = durationOf('conflictConfirmMs', conflictConfirmMs, MINUTE_MS);
  const untilMs = clock.monotonicMs() + Math.min(durationOf('giveUpAfterMs', giveUpAfterMs, DAY_MS / 4), DAY_MS);
  const transfer = digestOf([client.environment ?? '', transferBody({ ...fields, applicationId: '' })]);
  let notes = await loadNotes(memory, transfer, fields.applicationId);
  if (notes.end) return resultOf(notes.end);
  if (sentBefore && notes.possiblySentSince === null) {
    notes = { ...notes, possiblySentSince: isoTime(clock.now()), conflictsProveNothing: true };
  }
  let lastUnknown: OutcomeUnknownError | undefined;
  // By the monotonic clock of this process alone: a conflict that another one saw is waited for anew.
  let firstConflictMs: number | undefined;
  let waitMs = FIRST_WAIT_MS;
  let isProven = false;

  /** @returns the fields with the application that the transfer is of: the one of the notes, or of the keys. */
  async function withApplication(): Promise<TransferFields & { applicationId: string }> {
    try {
      const applicationId = fields.applicationId ?? (await client.applicationId?.(call));
      if (applicationId === undefined) throw new InvalidArgumentError('applicationId', 'must be given to a client without one');
      if (applicationId !== (notes.applicationId ?? applicationId)) throw otherTransfer();
      notes = { ...notes, applicationId };
      return { ...fields, applicationId };
    } catch (error) {
      if (notes.possiblySentSince === null || error instanceof InvalidArgumentError) throw error;
      throw stillUnknown('nothing was sent this time', error);
    }
  }

  function stillUnknown(why: string, cause?: unknown): OutcomeUnknownError {
    const { status, detail, reason = 'connection_lost' } = lastUnknown ?? {};
    const how = memory ? 'the same fields and memory' : 'the same fields and sentBefore: true';
    return new OutcomeUnknownError(`${why}, and the transfer may have been made: call again with ${how}, never with another id`, {
      reason,
      status,
      detail,
      cause: cause ?? lastUnknown,
    });
  }

  /** @throws when nothing may be sent any more. */
  function assertMaySend(): void {
    if (call.signal?.aborted && notes.possiblySentSince !== null) throw stillUnknown('the caller stopped', call.signal.reason);
    if (notes.possiblySentSince === null) return;
    // By a clock that can be set: a date that lies further ahead than the whole time is as old as one too long ago.
    if (Math.abs(clock.now() - Date.parse(notes.possiblySentSince)) <= DAY_MS) return;
    throw new OutcomeUnknownError(
      'the first send is more than 24 hours ago, and KPay may have forgotten its id: ask KPay what became of it',
      { reason: 'too_long', cause: lastUnknown },
    );
  }

  async function wait(forMs: number): Promise<void> {
    if (clock.monotonicMs() + forMs > untilMs) throw stillUnknown('time is over');
    waitMs = Math.min(waitMs * 2, MAX_WAIT_MS);
    try {
      await clock.sleep(forMs, call.signal);
    } catch (cause) {
      throw stillUnknown('the caller stopped', cause);
    }
  }

  /** @throws when the memory does not take it: nothing is sent then. */
  async function noteSend(): Promise<void> {
    notes = { ...notes, attempts: notes.attempts + 1, sendingSince: isoTime(clock.now()) };
    try {
      await noteProven(writeNotes(notes));
    } catch (cause) {
      if (notes.possiblySentSince !== null) throw stillUnknown('memory.save failed, so nothing was sent this time', cause);
      throw new RetryableError('memory.save failed, so nothing was sent', { reason: 'memory_failed', cause });
    }
  }

  /** Saves, and looks once whether the memory keeps what it is given: an update of a row that is not there fails nobody. */
  async function noteProven(text: string): Promise<void> {
    await memory?.save(text);
    if (!memory || isProven) return;
    if ((await memory.load()) !== text) throw new Error(NOT_KEPT);
    isProven = true;
  }

  /** Keeps what an answer means. @returns why it could not be saved. */
  async function noteAnswer(changes: Partial<TransferNotes>): Promise<unknown> {
    notes = { ...notes, sendingSince: null, ...changes };
    for (const againMs of [...SAVE_AGAIN_AFTER_MS, undefined]) {
      try {
        await memory?.save(writeNotes(notes));
        return undefined;
      } catch (error) {
        if (againMs === undefined) return error ?? new Error('memory.save failed');
        await clock.sleep(againMs);
      }
    }
    return undefined;
  }

  async function end(as: TransferEnd): Promise<KnownTransfer> {
    const memoryError = await noteAnswer({ end: as });
    if (memoryError === undefined) return resultOf(as, lastUnknown);
    return { ...resultOf(as, new Error(UNSAVED, { cause: memoryError })), memoryError };
  }

  assertMaySend();
  const whole = await withApplication();
  for (;;) {
    assertMaySend();
    await noteSend();
    const begunAt = notes.sendingSince;
    const begunMs = clock.monotonicMs();
    const sent = await send(client, whole, call);
    const isFirst = notes.possiblySentSince === null;
    switch (sent.kind) {
      case 'made':
        return end({ kind: 'answer', receipt: { ...sent.receipt, notCompleted: null } });
      case 'not_completed':
        return end({ kind: 'ask_kpay', ...said(sent.error), reason: 'not_completed' });
      case 'unknown':
        lastUnknown = sent.error;
        // What this send may still hold the id for is not what an earlier conflict was about: the conflicts count anew.
        firstConflictMs = undefined;
        await noteAnswer({ possiblySentSince: notes.possiblySentSince ?? begunAt });
        if (sent.isFault) throw sent.error;
        await wait(waitMs);
        break;
      case 'nothing_done':
        await noteAnswer({});
        if (isFirst) throw sent.error;
        if (sent.isFinal) throw stillUnknown('nothing was sent this time', sent.error);
        await wait(Math.max(waitMs, sent.retryAfterMs));
        break;
      case 'refused': {
        if (!isFirst) return end({ kind: 'ask_kpay', ...said(sent.error), reason: 'refused_repeat' });
        const memoryError = await noteAnswer({ conflictsProveNothing: true });
        throw memoryError === undefined ? sent.error : withUnsaved(sent.error, memoryError);
      }
      case 'conflict': {
        if (isFirst || notes.conflictsProveNothing) return end({ kind: 'ask_kpay', ...said(sent.error), reason: 'conflict' });
        if (firstConflictMs !== undefined && begunMs >= firstConflictMs + confirmMs) return end({ kind: 'conflict' });
        firstConflictMs ??= clock.monotonicMs();
        await noteAnswer({});
        await wait(Math.max(0, firstConflictMs + confirmMs - clock.monotonicMs()));
        break;
      }
    }
  }
}

/** What became of one send. */
type Sent =
  | { kind: 'made'; receipt: TransferReceipt }
  | { kind: 'not_completed'; error: OutcomeUnknownError }
  /** `isFault`: of our own, and no repeat would end otherwise. */
  | { kind: 'unknown'; error: OutcomeUnknownError; isFault?: boolean }
  /** `isFinal`: a repeat would end the same way, as after an abort. */
  | { kind: 'nothing_done'; error: KpayError; retryAfterMs: number; isFinal?: boolean }
  | { kind: 'refused' | 'conflict'; error: RejectedError };

async function send(client: TransferSender, fields: TransferFields, call: CallOptions): Promise<Sent> {
  try {
    return { kind: 'made', receipt: await client.transfer(fields, call) };
  } catch (error) {
    if (error instanceof OutcomeUnknownError)
      return { kind: error.reason === 'not_completed' ? 'not_completed' : 'unknown', error };
    if (error instanceof RetryableError) return { kind: 'nothing_done', error, retryAfterMs: error.retryAfterMs ?? 0 };
    if (error instanceof RejectedError) {
      if (error.status === 401) return { kind: 'nothing_done', error, retryAfterMs: 0 };
      return { kind: error.status === 409 ? 'conflict' : 'refused', error };
    }
    if (error instanceof KpayError) return { kind: 'nothing_done', error, retryAfterMs: 0, isFinal: true };
    const unknown = new OutcomeUnknownError('the client failed while it sent the transfer', {
      reason: 'unreadable',
      cause: error,
    });
    return { kind: 'unknown', error: unknown, isFault: true };
  }
}

const NOT_KEPT = 'memory.load does not give back the text that memory.save was given: keep it as text, unchanged';
const UNSAVED = 'memory.save failed: the memory does not know how this ended, so do not go on with it';

function withUnsaved({ message, status, detail }: RejectedError, cause: unknown): RejectedError {
  return new RejectedError(`${message}; ${UNSAVED}`, { status, detail, cause });
}

function said({ status, detail }: { status?: number | undefined; detail?: string | undefined }): {
  status?: number;
  detail?: string;
} {
  return { ...(status === undefined ? {} : { status }), ...(detail === undefined ? {} : { detail }) };
}

const ENDS: Readonly<Record<Extract<TransferEnd, { kind: 'ask_kpay' }>['reason'], string>> = {
  not_completed: 'KPay took the transfer and says that it is not completed',
  conflict:
    'KPay holds this externalId for an active transfer, and nothing proves that it is this one: it may be, from a call before',
  refused_repeat: 'KPay refused a repeat, which says nothing about the send before it',
};

/** @throws OutcomeUnknownError for an end that only a person can look up. */
function resultOf(end: TransferEnd, cause?: Error): KnownTransfer {
  if (end.kind === 'answer') return { confirmedBy: 'answer', receipt: end.receipt };
  if (end.kind === 'conflict') return { confirmedBy: 'conflict' };
  const { reason, status, detail } = end;
  const words = detail === undefined ? '' : ` (${detail})`;
  throw new OutcomeUnknownError(`${ENDS[reason]}${words}: it is not sent again, ask KPay what became of it`, {
    reason,
    status,
    detail,
    cause,
  });
}

/** @throws OutcomeUnknownError when nobody can tell what was noted; nothing was sent. */
async function loadNotes(
  memory: TransferMemory | undefined,
  transfer: string,
  applicationId: string | undefined,
): Promise<TransferNotes> {
  if (!memory) return newNotes(transfer);
  let saved: string | null | undefined;
  let notes: TransferNotes;
  try {
    saved = await memory.load();
    notes = saved === null || saved === undefined ? newNotes(transfer) : readNotes(saved);
  } catch (cause) {
    const what = saved === undefined ? 'memory.load failed' : 'memory.load gave a text that memory.save was not given';
    throw new OutcomeUnknownError(`${what}: nothing was sent by this call, and whether a call before it sent is not known`, {
      reason: 'memory_failed',
      cause,
    });
  }
  const isOfAnother = applicationId !== undefined && applicationId !== (notes.applicationId ?? applicationId);
  if (notes.transfer !== transfer || isOfAnother) throw otherTransfer();
  // The process ended between the note and the answer: that send may have moved money.
  if (notes.sendingSince === null) return notes;
  return { ...notes, sendingSince: null, possiblySentSince: notes.possiblySentSince ?? notes.sendingSince };
}

function otherTransfer(): InvalidArgumentError {
  return new InvalidArgumentError('memory', 'must be of this transfer, and is of another. Nothing was sent');
}

function assertMemory(memory: TransferMemory | undefined): void {
  if (memory === undefined) return;
  if (typeof memory?.load === 'function' && typeof memory.save === 'function') return;
  throw new InvalidArgumentError(
    'memory',
    `must have the functions load and save, as createFileMemory(path), not ${kindOf(memory)}`,
  );
}

function durationOf(name: string, given: number | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  assertNumber(`options.${name}`, given, 0, Number.POSITIVE_INFINITY);
  return given;
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
