/* What a transfer's request must be, without anything that connects: for forms, files and other doors to the same transfers. */
export { InvalidTransferRequest, InvalidTransferRequestError } from './errors.ts';
export { describeIssue, parseTransferRequest, type TransferRequest } from './parse-transfer-request.ts';
export { nameSchema, textSchema, valueSchema } from './text.ts';
export { instantSchema, transferRequestSchema } from './transfer-job.ts';
