import { isLedgerAway } from '@kpay/ledger';

// What pg, its pool, kysely and PGlite say after we closed them: this process is about to end, and another one serves.
const CLOSED = /^(cannot use a pool after|client was closed|driver has already been destroyed|pglite is clos)/i;

/** Whether an error means that the ledger could not be asked, rather than that the question was wrong. */
export function couldNotAskLedger(error: unknown): boolean {
  // Express' errors have a status, and a code of the network when the caller is gone.
  if (!(error instanceof Error) || 'status' in error) return false;
  return isLedgerAway(error) || CLOSED.test(error.message);
}
