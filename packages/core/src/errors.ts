/**
 * KPay said no, so this call had no effect. `status` is the HTTP status: 400, 401, 403, 404, 409 or 422 for a
 * transfer, any 4xx but 429 for a read.
 */
export class Rejected extends Error {
  override readonly name = 'Rejected';
  readonly status: number;
  /** What KPay wrote, redacted and short, for people. Its text is never branched on: it varies, and can be French. */
  readonly detail: string | undefined;

  constructor(message: string, options: { status: number; detail?: string | undefined; cause?: unknown }) {
    super(message, causeOf(options));
    this.status = options.status;
    this.detail = options.detail;
  }
}

export type RetryableReason =
  /** 429; nothing was done. */
  | 'rate_limited'
  /** No connection was made, so not a byte was sent. */
  | 'not_connected'
  /** A lease of the sender was too short to be sure of sending in time; not a byte was sent. */
  | 'lease_too_short'
  /** The shared budget has no slot within the time allowed. */
  | 'no_budget'
  /** The rest are reads that failed; a transfer never ends so once a byte of it was written. */
  | 'connection_lost'
  | 'server_error'
  | 'timeout'
  | 'unreadable'
  /** The caller's signal ended the wait. */
  | 'aborted';

/** Nothing was sent, or a read failed: try later, after `retryAfterMs` when it is known. */
export class Retryable extends Error {
  override readonly name = 'Retryable';
  readonly reason: RetryableReason;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: { reason: RetryableReason; retryAfterMs?: number | undefined; cause?: unknown }) {
    super(message, causeOf(options));
    this.reason = options.reason;
    this.retryAfterMs = options.retryAfterMs;
  }
}

export type UnknownReason =
  | 'timeout'
  | 'connection_lost'
  | 'server_error'
  | 'unreadable'
  | 'unexpected_status'
  /** KPay made a transfer and gave it a status that is no success. Do not send it again: ask KPay. */
  | 'not_completed';

/**
 * A transfer was sent, or may have been, and no definite answer came: it may have moved money. The only way to find
 * out is to send the same body again under the same externalId, unless the reason is `not_completed`.
 */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown';
  readonly reason: UnknownReason;
  readonly status: number | undefined;
  /** What came instead of an answer, redacted and short, for people. */
  readonly detail: string | undefined;

  constructor(
    message: string,
    options: { reason: UnknownReason; status?: number | undefined; detail?: string | undefined; cause?: unknown },
  ) {
    super(message, causeOf(options));
    this.reason = options.reason;
    this.status = options.status;
    this.detail = options.detail;
  }
}

/** Settings that cannot work, such as live keys in a test environment. Fix them; nothing was sent. */
export class InvalidSettings extends Error {
  override readonly name = 'InvalidSettings';
}

function causeOf({ cause }: { cause?: unknown }): ErrorOptions {
  return cause === undefined ? {} : { cause };
}
