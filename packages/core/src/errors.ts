/**
 * Every `code` that a KpayError can carry. The set is closed within a minor version.
 *
 * - before anything is sent: `invalid_settings`, `invalid_argument`, `invalid_amount`, `unknown_country`, `closed`
 * - KPay said no (RejectedError): `bad_request` 400, `unauthorized` 401, `forbidden` 403, `not_found` 404, `conflict` 409,
 *   `unprocessable` 422, `rejected` for any other status
 * - nothing was sent, or a read failed (RetryableError): its `reason`
 * - a transfer may have moved money (OutcomeUnknownError): `outcome_unknown`, whatever its `reason`
 * - the caller's signal ended the call (KpayAbortError): `aborted`
 */
export type ErrorCode =
  | 'invalid_settings'
  | 'invalid_argument'
  | 'invalid_amount'
  | 'unknown_country'
  | 'closed'
  | 'bad_request'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'unprocessable'
  | 'rejected'
  | RetryableReason
  | 'outcome_unknown'
  | 'aborted';

/** What errors have in common, beside their message. */
export interface KpayErrorOptions {
  /** The HTTP status, when KPay answered. */
  status?: number | undefined;
  /** What names the request: KPay's `x-request-id` when it gave one, else the one that was sent. */
  requestId?: string | undefined;
  /** What was underneath, without requests, answers or secrets. */
  cause?: unknown;
}

/**
 * Every error that this package throws on purpose. Branch on `code` or on the class, never on the message: its text can
 * change, and KPay's part of it varies. No key, token, password or phone number is in it.
 */
export class KpayError extends Error {
  /** The class's name, and `AbortError` for a KpayAbortError. */
  override readonly name: string = 'KpayError';
  /** What to branch on. */
  readonly code: ErrorCode;
  /** The HTTP status, when KPay answered. */
  declare readonly status?: number | undefined;
  /** What names the request: KPay's `x-request-id` when it gave one, else the one that was sent. */
  declare readonly requestId?: string | undefined;

  constructor(code: ErrorCode, message: string, { status, requestId, cause }: KpayErrorOptions = {}) {
    super(message, cause === undefined ? {} : { cause });
    this.code = code;
    if (status !== undefined) this.status = status;
    if (requestId !== undefined) this.requestId = requestId;
  }

  /** All that a log needs, as plain values without a stack: `JSON.stringify(error)` says what happened. */
  toJSON(): Record<string, unknown> {
    const { name, message, cause, ...rest } = this;
    const because = cause instanceof Error ? { cause: { name: cause.name, message: cause.message } } : {};
    return { name, message, ...rest, ...because };
  }
}

/** Settings that cannot work, such as live keys for the test environment. Fix them; nothing was sent. */
export class InvalidSettingsError extends KpayError {
  override readonly name = 'InvalidSettingsError';

  constructor(message: string, options: Pick<KpayErrorOptions, 'cause'> = {}) {
    super('invalid_settings', message, options);
  }
}

/** A call was made with something missing, mistyped or not known. Fix the call; nothing was sent. */
export class InvalidArgumentError extends KpayError {
  override readonly name = 'InvalidArgumentError';
  /** Which argument, such as `amount` or `options.lane`. */
  readonly argument: string;

  /** `problem` follows the argument's name, as in "must be …". */
  constructor(argument: string, problem: string) {
    super('invalid_argument', `${argument} ${problem}`);
    this.argument = argument;
  }
}

/** An amount or rate that cannot be used. The message says what would do, as in "must be …", to follow a field's name. */
export class InvalidAmountError extends KpayError {
  override readonly name = 'InvalidAmountError';

  constructor(message: string) {
    super('invalid_amount', message);
  }
}

/** A country where one wallet and one currency cannot be told. The message is a sentence without a subject. */
export class UnknownCountryError extends KpayError {
  override readonly name = 'UnknownCountryError';

  constructor(message: string) {
    super('unknown_country', message);
  }
}

/** The client was closed before the call: nothing was sent, and nothing will be. */
export class ClosedError extends KpayError {
  override readonly name = 'ClosedError';

  constructor() {
    super('closed', 'this client is closed: make a new one');
  }
}

/**
 * The caller's signal ended the call before its request was sent, or a read while it was under way. Its `name` is
 * `AbortError`, as of what fetch throws; `cause` is the signal's reason, a TimeoutError for `AbortSignal.timeout`.
 */
export class KpayAbortError extends KpayError {
  override readonly name = 'AbortError';

  constructor(message: string, options: KpayErrorOptions = {}) {
    super('aborted', message, options);
  }
}

/** What ends a wait when `signal` aborts: an abort, unless the signal's reason is itself an error of ours. */
export function abortedBy(signal: AbortSignal | undefined): KpayError {
  const reason: unknown = signal?.reason;
  return reason instanceof KpayError ? reason : new KpayAbortError('the caller stopped waiting', { cause: reason });
}

const CODE_BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  422: 'unprocessable',
};

/**
 * KPay said no, so this call had no effect. `status` is the HTTP status: 400, 401, 403, 404, 409 or 422 for a
 * transfer, any 4xx but 429 for a read.
 */
export class RejectedError extends KpayError {
  override readonly name = 'RejectedError';
  declare readonly status: number;
  /** What KPay wrote, redacted and short, for people. Its text is never branched on: it varies, and can be French. */
  readonly detail: string | undefined;

  constructor(message: string, options: KpayErrorOptions & { status: number; detail?: string | undefined }) {
    super(CODE_BY_STATUS[options.status] ?? 'rejected', message, options);
    this.detail = options.detail;
  }
}

/** Why nothing was done, or why a read has no answer. */
export type RetryableReason =
  /** 429; nothing was done. */
  | 'rate_limited'
  /** No connection was made, so not a byte was sent. */
  | 'not_connected'
  /** A lease of the sender was too short to be sure of sending in time; not a byte was sent. */
  | 'lease_too_short'
  /** The shared budget has no slot within the time allowed. */
  | 'no_budget'
  /** Other keys came into use while the call waited; not a byte was sent. */
  | 'keys_changed'
  /** The rest are reads that failed; a transfer never ends so once a byte of it was written. */
  | 'connection_lost'
  | 'server_error'
  | 'timeout'
  | 'unreadable'
  /** `memory.save` of transferUntilKnown failed before the first send, so nothing was sent. */
  | 'memory_failed';

/** Nothing was sent, or a read failed: try later, after `retryAfterMs` when it is known. */
export class RetryableError extends KpayError {
  override readonly name = 'RetryableError';
  declare readonly code: RetryableReason;
  /** The same as `code`. */
  readonly reason: RetryableReason;
  /** Milliseconds to wait before another try, when KPay or the budget says so. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: KpayErrorOptions & { reason: RetryableReason; retryAfterMs?: number | undefined }) {
    super(options.reason, message, options);
    this.reason = options.reason;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Why it is not known whether a transfer moved money. */
export type UnknownReason =
  | 'timeout'
  | 'connection_lost'
  | 'server_error'
  | 'unreadable'
  | 'unexpected_status'
  /** KPay made a transfer and gave it a status that is no success. Do not send it again: ask KPay. */
  | 'not_completed'
  /** `transferUntilKnown`: KPay holds the externalId (409), and nothing proves that it is this transfer. Ask KPay. */
  | 'conflict'
  /** `transferUntilKnown`: KPay refused a repeat, which says nothing about the send before it. Ask KPay. */
  | 'refused_repeat'
  /** `transferUntilKnown`: the first send is more than 24 hours ago, so nothing is sent again. Ask KPay. */
  | 'too_long'
  /** `transferUntilKnown`: its memory cannot be read or written, and something may have been sent before. */
  | 'memory_failed';

/** Reasons after which a repeat under the same id can tell nothing more. */
const ASK_KPAY: readonly UnknownReason[] = ['not_completed', 'conflict', 'refused_repeat', 'too_long'];

/**
 * A transfer was sent, or may have been, and no definite answer came: it may have moved money. The only way to find
 * out is to send the same body again under the same externalId, unless the reason is `not_completed`.
 */
export class OutcomeUnknownError extends KpayError {
  override readonly name = 'OutcomeUnknownError';
  /** Why it is not known. */
  readonly reason: UnknownReason;
  /** What came instead of an answer, redacted and short, for people. */
  readonly detail: string | undefined;
  /**
   * How to go on. `send_again`: the same fields under the same externalId (transferUntilKnown: with the same memory).
   * `ask_kpay`: send nothing again; a person looks in KPay's dashboard what became of it.
   */
  readonly next: 'send_again' | 'ask_kpay';

  constructor(message: string, options: KpayErrorOptions & { reason: UnknownReason; detail?: string | undefined }) {
    super('outcome_unknown', message, options);
    this.reason = options.reason;
    this.next = ASK_KPAY.includes(options.reason) ? 'ask_kpay' : 'send_again';
    this.detail = options.detail;
  }
}

// The names before 0.2, for one minor version more.

/** @deprecated RejectedError */
export const Rejected = RejectedError;
/** @deprecated RejectedError */
export type Rejected = RejectedError;
/** @deprecated RetryableError */
export const Retryable = RetryableError;
/** @deprecated RetryableError */
export type Retryable = RetryableError;
/** @deprecated OutcomeUnknownError */
export const OutcomeUnknown = OutcomeUnknownError;
/** @deprecated OutcomeUnknownError */
export type OutcomeUnknown = OutcomeUnknownError;
/** @deprecated InvalidSettingsError */
export const InvalidSettings = InvalidSettingsError;
/** @deprecated InvalidSettingsError */
export type InvalidSettings = InvalidSettingsError;
/** @deprecated InvalidAmountError */
export const InvalidAmount = InvalidAmountError;
/** @deprecated InvalidAmountError */
export type InvalidAmount = InvalidAmountError;
/** @deprecated UnknownCountryError */
export const UnknownCountry = UnknownCountryError;
/** @deprecated UnknownCountryError */
export type UnknownCountry = UnknownCountryError;
