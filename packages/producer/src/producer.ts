import type { TransferRequest } from './parse-transfer-request.ts';
import type { TransferJobResult } from './transfer-job.ts';

/** How long a wait lasts, and what ends it early. */
export interface WaitOptions {
  /** Milliseconds until WaitTimedOutError: 30,000 for `accepted()` and 900,000 for `finished()` unless given. */
  timeoutMs?: number | undefined;
  /** Ends the wait with WaitAbortedError, whose `cause` is the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** A transfer that was enqueued, by queue or by REST. */
export interface EnqueuedTransfer {
  /** The caller's own id of the transfer: the request's, or the one that was made for it. Keep it. */
  readonly externalId: string;
  /**
   * Waits, 30 s unless told otherwise, until the transfer is durable in the ledger. From then on it is never lost. By REST it is
   * durable already when `enqueue` returns.
   *
   * @throws TransferFailedError when it was refused; JobRemovedError; WaitTimedOutError; WaitAbortedError; ClosedError.
   */
  accepted(options?: WaitOptions): Promise<{ transferId: string }>;
  /**
   * Waits, 15 minutes unless told otherwise, until the money has moved. A transfer that is held or paused takes longer. While
   * Redis or the API is away it goes on waiting, because the transfer may go on too.
   *
   * @throws TransferFailedError when it ended without moving money; JobRemovedError; WaitTimedOutError; WaitAbortedError;
   *   ClosedError; AccessDeniedError by REST.
   */
  finished(options?: WaitOptions): Promise<TransferJobResult>;
}

/**
 * How far a transfer has come:
 *
 * - `enqueued`: its job is in the queue and not yet in the ledger
 * - `accepted`: it is durable in the ledger and under way; it may have been sent
 * - `succeeded`: the money has moved
 * - `failed`: it ended without moving money
 * - `refused`: the request never became a transfer
 */
export type TransferStatus = 'enqueued' | 'accepted' | 'succeeded' | 'failed' | 'refused';

/** What is known of a transfer. */
export interface KnownTransfer {
  /** The caller's own id of the transfer. */
  externalId: string;
  /** How far it has come. */
  status: TransferStatus;
  /** What may be believed of the money. By queue `unknown` until the transfer has ended. */
  moneyMoved: 'yes' | 'no' | 'unknown';
  /** The ledger's id of the transfer; undefined while it has none. */
  transferId: string | undefined;
  /** The ledger's own word for where it is, such as `holding` or `review`. By REST only. */
  state: string | undefined;
  /** Why it is where it is, in a sentence. */
  reason: string | undefined;
  /** The same for programs, such as `insufficient_funds`. By queue only once it has failed. */
  reasonCode: string | undefined;
  /** What arrived, once it succeeded. */
  result: TransferJobResult | undefined;
}

/** Enqueues the transfers of one account: by queue (`createProducer`) or by REST (`createRestProducer`). */
export interface Producer {
  /**
   * Puts a transfer on its way. Keep the `externalId`: the same request with it gives the same transfer, whenever and however
   * often it is enqueued; another request with it is refused. Without one, a new one is made and returned.
   *
   * @throws InvalidTransferRequestError, which names the field; UnavailableError while Redis or the API is away: repeat with its
   *   `externalId`; ClosedError. By REST also AccessDeniedError, and TransferFailedError when the API refuses the request.
   */
  enqueue(request: TransferRequest): Promise<EnqueuedTransfer>;
  /**
   * Says what is known of a transfer by its externalId, at once. Undefined means that nothing is known here: by queue that says
   * nothing about the transfer, since a job is kept for a day after its end; by REST the ledger has no such transfer yet.
   *
   * @throws InvalidArgumentError; UnavailableError while Redis or the API is away; AccessDeniedError by REST; ClosedError.
   */
  get(externalId: string): Promise<KnownTransfer | undefined>;
  /** Ends all waits with ClosedError, and all connections that this producer made. It may be called again, and as a callback. */
  close(): Promise<void>;
}
