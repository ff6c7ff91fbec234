// SQLSTATE classes: 08 connection, 53 out of resources, 57 shut down or starting; 55P03 a lock that did not come in time,
// 40P01 one that two waited for in a ring: nothing was done, and the same request may be repeated. 25006: the server takes
// no writes, as after a switchover; the pool drops its connections, and the next one leads to a server that does.
const AWAY_CODE =
  /^(08|53|57)[0-9A-Z]{3}$|^55P03$|^40P01$|^25006$|^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT)$/;
// pg, its pool, kysely and PGlite give these no code.
const AWAY_MESSAGE =
  /^(connection terminated|timeout exceeded when trying to connect|cannot use a pool after|client (has encountered|was closed)|query read timeout|driver has already been destroyed|pglite is clos)/i;

/** Whether an error of the database means that it could not be asked, rather than that the question was wrong. */
export function isLedgerAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return AWAY_CODE.test(code) || AWAY_MESSAGE.test(error.message);
}
