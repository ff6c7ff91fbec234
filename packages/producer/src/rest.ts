export { createRestProducer, type RestProducerOptions } from './create-rest-producer.ts';
export {
  AccessDeniedError,
  ClosedError,
  InvalidArgumentError,
  InvalidTransferRequestError,
  JobRemovedError,
  ProducerError,
  type ProducerErrorCode,
  type ProducerErrorOptions,
  TransferFailedError,
  type TransferFailure,
  UnavailableError,
  WaitAbortedError,
  WaitTimedOutError,
} from './errors.ts';
export type { TransferRequest } from './parse-transfer-request.ts';
export type { EnqueuedTransfer, KnownTransfer, Producer, TransferStatus, WaitOptions } from './producer.ts';
export type { TransferJobResult } from './transfer-job.ts';
