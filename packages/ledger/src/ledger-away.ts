// Network errors by Node's code, and SQLSTATE classes: 08 connection, 25 takes no writes, 53 out of resources, 57
// shutting down or starting, 58 system error, 40 rolled back in favour of another transaction; 55P03 is a lock that was
// not granted in time.
const AWAY_CODE = /^(E(?!RR_)[A-Z]{2,}(_[A-Z]+)?$|(08|25|40|53|57|58)[0-9A-Z]{3}$|55P03$)/;
// Errors of pg and its pool that have no code. A client that we closed ourselves is not in the list, because it does
// not come back.
const AWAY_MESSAGE = /connection terminated|timeout exceeded when trying to connect|client has encountered|query read timeout/i;

/** Whether an error means that the ledger could not be asked now, so that the same request may succeed later. */
export function isLedgerAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return AWAY_CODE.test(code) || AWAY_MESSAGE.test(error.message);
}
