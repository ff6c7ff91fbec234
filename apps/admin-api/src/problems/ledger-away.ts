import { isLedgerAway } from '@kpay/ledger';

// Errors of pg, its pool, kysely and PGlite after we closed them. This process is about to end, and another one serves.
const CLOSED = /^(cannot use a pool after|client was closed|driver has already been destroyed|pglite is clos)/i;

/** Whether an error means that the ledger could not be reached, rather than that the query was wrong. */
export function couldNotAskLedger(error: unknown): boolean {
  // Express' errors have a status, and a network code when the client has disconnected.
  if (!(error instanceof Error) || 'status' in error) return false;
  return isLedgerAway(error) || CLOSED.test(error.message);
}
