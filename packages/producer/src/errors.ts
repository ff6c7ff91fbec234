/** The request can never be accepted as it is. Nothing was enqueued. */
export class InvalidTransferRequest extends Error {
  override readonly name = 'InvalidTransferRequest';
  /** The field that is wrong, such as `amount` or `metadata.team`. */
  readonly field: string;

  constructor(field: string, problem: string) {
    super(`${field}: ${problem}`);
    this.field = field;
  }
}

/**
 * The queue did not take the job, or took it and could not say so. Nothing is known to be enqueued; repeating the
 * same request with this `externalId` is safe, however it went.
 */
export class QueueUnavailable extends Error {
  override readonly name = 'QueueUnavailable';
  /** Also when the request had none: repeat with this one. */
  readonly externalId: string;

  constructor(externalId: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      `the queue did not confirm (${reason}): nothing is known to be enqueued, repeating with externalId "${externalId}" is safe`,
      { cause },
    );
    this.externalId = externalId;
  }
}

/**
 * The request was refused, or its transfer has ended without moving money. Read the reason before trying again under a new
 * externalId: when the old one is refused because it belongs to another transfer, that one may well have moved money.
 */
export class TransferFailed extends Error {
  override readonly name = 'TransferFailed';
  readonly externalId: string;
  readonly reason: string;
  /** The transfer that ended. Absent when the request was refused. */
  readonly transferId: string | undefined;

  constructor(options: { externalId: string; reason: string; transferId: string | undefined }) {
    super(`transfer "${options.externalId}" failed: ${options.reason}`);
    this.externalId = options.externalId;
    this.reason = options.reason;
    this.transferId = options.transferId;
  }
}

/**
 * The job is no longer in the queue: it ended more than a day ago, or the queue was wiped. This tells nothing about
 * the transfer. Enqueue the same request again to follow it.
 */
export class JobRemoved extends Error {
  override readonly name = 'JobRemoved';
  readonly externalId: string;

  constructor(externalId: string) {
    super(`the job of transfer "${externalId}" is gone, which says nothing about the transfer: enqueue it again to follow it`);
    this.externalId = externalId;
  }
}

/** The wait took longer than its `timeoutMs`. This tells nothing about the transfer: wait again, or look later. */
export class WaitTimedOut extends Error {
  override readonly name = 'WaitTimedOut';
  readonly externalId: string;

  constructor(externalId: string, timeoutMs: number) {
    super(`nothing was heard of transfer "${externalId}" for ${timeoutMs} ms, which says nothing about it: wait again`);
    this.externalId = externalId;
  }
}
