export { queuePrefix, TRANSFER_JOB, transferQueueName } from './queue-names.ts';
export { type TransferJobData, type TransferJobProgress, type TransferJobResult, transferWishSchema } from './transfer-job.ts';
