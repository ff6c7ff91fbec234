/* The checks of a transfer request that need no ledger, for programs that check requests before they send them. */
export { parseTransferRequest, type TransferRequest } from '../accept/request.ts';
export { InvalidRequest } from '../errors.ts';
