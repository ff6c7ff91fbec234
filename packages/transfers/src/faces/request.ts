/* What a transfer must be to be accepted, without a ledger: for doors that look at requests before they send them. */
export { parseTransferRequest, type TransferRequest } from '../accept/request.ts';
export { InvalidRequest } from '../errors.ts';
