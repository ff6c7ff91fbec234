export {
  createProducer,
  type EnqueuedTransfer,
  type Producer,
  type ProducerOptions,
  type QueuePlace,
} from './create-producer.ts';
export { InvalidTransferRequest, JobRemoved, QueueUnavailable, TransferFailed, WaitTimedOut } from './errors.ts';
export type { WaitOptions } from './follow-job.ts';
export { describeIssue, type TransferRequest } from './parse-transfer-request.ts';
export { queuePrefix, TRANSFER_JOB, transferQueueName } from './queue-names.ts';
export type { QueueSource, RedisTarget } from './queue-source.ts';
export { nameSchema, refusedCharacter, textSchema, valueSchema } from './text.ts';
export {
  instantSchema,
  type TransferJobData,
  type TransferJobProgress,
  type TransferJobResult,
  transferJobProgressSchema,
  transferRequestSchema,
} from './transfer-job.ts';
