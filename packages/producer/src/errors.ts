/**
 * Every `code` that a ProducerError can have. The set is closed within a minor version.
 *
 * - the call is wrong and nothing was sent: `invalid_argument`, `invalid_request`, `closed`
 * - nothing is known to be enqueued, and repeating with the same externalId is safe: `unavailable`
 * - nobody may do this with the given key, and nothing was enqueued: `access_denied`
 * - the transfer was refused, or it ended without moving money: `transfer_failed`
 * - the wait ended, which says nothing about the transfer: `job_removed`, `wait_timed_out`, `aborted`
 */
export type ProducerErrorCode =
  | 'invalid_argument'
  | 'invalid_request'
  | 'closed'
  | 'unavailable'
  | 'access_denied'
  | 'transfer_failed'
  | 'job_removed'
  | 'wait_timed_out'
  | 'aborted';

/** What all errors of this package can have, beside a message. */
export interface ProducerErrorOptions {
  /** The transfer that the call was about. */
  externalId?: string | undefined;
  /** What was underneath, without tokens or requests. */
  cause?: unknown;
}

/**
 * Every error that this package throws on purpose. Branch on `code` or on the class, never on the message: its text can change.
 * No token and no password is in it.
 */
export class ProducerError extends Error {
  /** The name that a log shows. */
  override readonly name: string = 'ProducerError';
  /** What happened, for programs. */
  readonly code: ProducerErrorCode;
  /** The transfer that the call was about, where there was one. */
  declare readonly externalId?: string | undefined;

  constructor(code: ProducerErrorCode, message: string, { externalId, cause }: ProducerErrorOptions = {}) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
    if (externalId !== undefined) this.externalId = externalId;
  }

  /** All that a log needs, as plain values without a stack: `JSON.stringify(error)` says what happened. */
  toJSON(): Record<string, unknown> {
    const { name, message, cause, ...rest } = this;
    const because = cause instanceof Error ? { cause: { name: cause.name, message: cause.message } } : {};
    return { name, message, ...rest, ...because };
  }
}

/** A call was made with something missing, mistyped or unknown. Fix the call; nothing was sent. */
export class InvalidArgumentError extends ProducerError {
  /** The name that a log shows. */
  override readonly name = 'InvalidArgumentError';
  /** Which argument, such as `account` or `options.timeoutMs`. */
  readonly argument: string;

  /** `problem` follows the argument's name, as in "must be …". */
  constructor(argument: string, problem: string) {
    super('invalid_argument', `${argument} ${problem}`);
    this.argument = argument;
  }
}

/** The request can never be accepted as it is. Nothing was enqueued. */
export class InvalidTransferRequestError extends ProducerError {
  /** The name that a log shows. */
  override readonly name = 'InvalidTransferRequestError';
  /** The field that is wrong, such as `amount` or `metadata.team`. */
  readonly field: string;

  constructor(field: string, problem: string, options: ProducerErrorOptions = {}) {
    super('invalid_request', `${field}: ${problem}`, options);
    this.field = field;
  }
}

/** The producer was closed before the call or during it. A wait that ended so says nothing about the transfer. */
export class ClosedError extends ProducerError {
  /** The name that a log shows. */
  override readonly name = 'ClosedError';

  constructor(options: ProducerErrorOptions = {}) {
    super('closed', 'the producer is closed: make a new one', options);
  }
}

/**
 * The queue or the API did not answer, or answered what says nothing. Nothing is known to be enqueued. Repeating the same request
 * with this `externalId` is safe, however it went.
 */
export class UnavailableError extends ProducerError {
  /** The name that a log shows. */
  override readonly name = 'UnavailableError';
  /** Also where the request had none: repeat with this one. */
  declare readonly externalId: string;
  /** How long to wait before the next try, where the API said so. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ProducerErrorOptions & { externalId: string; retryAfterMs?: number | undefined }) {
    super('unavailable', message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/**
 * The API refused the token, or the token's key may not do this. Nothing was enqueued. Only the REST producer throws it.
 * `status` is 401 for a token that nobody knows, 403 for a key without the right.
 */
export class AccessDeniedError extends ProducerError {
  /** The name that a log shows. */
  override readonly name = 'AccessDeniedError';
  /** The HTTP status: 401 or 403. */
  readonly status: number;

  constructor(message: string, options: ProducerErrorOptions & { status: number }) {
    super('access_denied', message, options);
    this.status = options.status;
  }
}

/** What is known of a transfer that failed. */
export interface TransferFailure {
  /** The caller's own id of the transfer. */
  externalId: string;
  /** Why, in a sentence for people. */
  reason: string;
  /** Why, for programs, where it is known: see `TransferFailedError.reasonCode`. */
  reasonCode?: string | undefined;
  /** The transfer that ended. Absent when the request was refused. */
  transferId: string | undefined;
}

/**
 * The request was refused, or its transfer has ended without moving money. Read the reason before trying again under a new
 * externalId: when the old one is refused because it belongs to another transfer, that one may well have moved money.
 */
export class TransferFailedError extends ProducerError {
  /** The name that a log shows. */
  override readonly name = 'TransferFailedError';
  declare readonly externalId: string;
  /** Why, in a sentence for people. */
  readonly reason: string;
  /**
   * Why, for programs: the transfer's reasonCode, such as `expired`, `cancelled` or `kpay_403`; of a refused request the API's
   * problem code, such as `invalid_request`, `idempotency_conflict` or `spend_limit_exceeded`. Undefined where only the sentence is
   * known: of a job that a worker before 0.2 failed, or failed while Redis was away.
   */
  readonly reasonCode: string | undefined;
  /** The transfer that ended. Undefined when the request was refused: then no transfer of this request exists. */
  readonly transferId: string | undefined;

  constructor({ externalId, reason, reasonCode, transferId }: TransferFailure) {
    super('transfer_failed', `transfer "${externalId}" failed: ${reason}`, { externalId });
    this.reason = reason;
    this.reasonCode = reasonCode;
    this.transferId = transferId;
  }
}

/**
 * The job is no longer in the queue: it ended more than a day ago, or the queue was wiped. This says nothing about
 * the transfer. Enqueue the same request again to follow it.
 */
export class JobRemovedError extends ProducerError {
  /** The name that a log shows. */
  override readonly name = 'JobRemovedError';
  declare readonly externalId: string;

  constructor(externalId: string) {
    super(
      'job_removed',
      `the job of transfer "${externalId}" is gone, which says nothing about the transfer: enqueue it again to follow it`,
      { externalId },
    );
  }
}

/** The wait took longer than its `timeoutMs`. This says nothing about the transfer: wait again, or look later. */
export class WaitTimedOutError extends ProducerError {
  /** The name that a log shows. */
  override readonly name = 'WaitTimedOutError';
  declare readonly externalId: string;

  constructor(externalId: string, timeoutMs: number, options: Pick<ProducerErrorOptions, 'cause'> = {}) {
    super(
      'wait_timed_out',
      `transfer "${externalId}" did not get that far within ${timeoutMs} ms, which says nothing about it: wait again`,
      { externalId, ...options },
    );
  }
}

/**
 * The caller's signal ended the wait. This says nothing about the transfer. Its `name` is `AbortError`, as of what fetch throws;
 * `cause` is the signal's reason.
 */
export class WaitAbortedError extends ProducerError {
  /** The name that a log shows. */
  override readonly name = 'AbortError';
  declare readonly externalId: string;

  constructor(externalId: string, reason: unknown) {
    const why = reason instanceof Error ? reason.message : String(reason);
    super('aborted', `the wait for transfer "${externalId}" was aborted: ${why}`, { externalId, cause: reason });
  }
}

/** @deprecated Now InvalidTransferRequestError; this name goes with the next minor version. */
export const InvalidTransferRequest = InvalidTransferRequestError;
/** @deprecated Now InvalidTransferRequestError; this name goes with the next minor version. */
export type InvalidTransferRequest = InvalidTransferRequestError;
/** @deprecated Now UnavailableError; this name goes with the next minor version. */
export const QueueUnavailable = UnavailableError;
/** @deprecated Now UnavailableError; this name goes with the next minor version. */
export type QueueUnavailable = UnavailableError;
/** @deprecated Now TransferFailedError; this name goes with the next minor version. */
export const TransferFailed = TransferFailedError;
/** @deprecated Now TransferFailedError; this name goes with the next minor version. */
export type TransferFailed = TransferFailedError;
/** @deprecated Now JobRemovedError; this name goes with the next minor version. */
export const JobRemoved = JobRemovedError;
/** @deprecated Now JobRemovedError; this name goes with the next minor version. */
export type JobRemoved = JobRemovedError;
/** @deprecated Now WaitTimedOutError; this name goes with the next minor version. */
export const WaitTimedOut = WaitTimedOutError;
/** @deprecated Now WaitTimedOutError; this name goes with the next minor version. */
export type WaitTimedOut = WaitTimedOutError;
