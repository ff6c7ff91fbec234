// Network errors by Node's code. SQLSTATE classes: 08 connection, 25 takes no writes, 53 out of resources, 57 shut down or
// starting, 58 the system below; 40 rolled back for another's sake, 55P03 a lock that did not come in time.
const AWAY_CODE = /^(E(?!RR_)[A-Z]{2,}(_[A-Z]+)?$|(08|25|40|53|57|58)[0-9A-Z]{3}$|55P03$)/;
// pg and its pool give these no code. What a client of ours says after we closed it is not here: that does not come back.
const AWAY_MESSAGE = /connection terminated|timeout exceeded when trying to connect|client has encountered|query read timeout/i;

/** Whether an error of the ledger says that it could not be asked, or not now: the same may succeed later. */
export function isLedgerAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return AWAY_CODE.test(code) || AWAY_MESSAGE.test(error.message);
}
