export {
  createProducer,
  type ProducerOptions,
  type QueuedTransfer,
  type QueuePlace,
  type QueueProducer,
} from './create-producer.ts';
export {
  AccessDeniedError,
  ClosedError,
  InvalidArgumentError,
  InvalidTransferRequest,
  InvalidTransferRequestError,
  JobRemoved,
  JobRemovedError,
  ProducerError,
  type ProducerErrorCode,
  type ProducerErrorOptions,
  QueueUnavailable,
  TransferFailed,
  TransferFailedError,
  type TransferFailure,
  UnavailableError,
  WaitAbortedError,
  WaitTimedOut,
  WaitTimedOutError,
} from './errors.ts';
export { describeIssue, type TransferRequest } from './parse-transfer-request.ts';
export type { EnqueuedTransfer, KnownTransfer, Producer, TransferStatus, WaitOptions } from './producer.ts';
export { queuePrefix, TRANSFER_JOB, transferQueueName } from './queue-names.ts';
export type { QueueSource, RedisClient, RedisTarget } from './queue-source.ts';
export { nameSchema, refusedCharacter, textSchema, valueSchema } from './text.ts';
export {
  instantSchema,
  type TransferJobData,
  type TransferJobProgress,
  type TransferJobResult,
  transferJobProgressSchema,
  transferRequestSchema,
} from './transfer-job.ts';
