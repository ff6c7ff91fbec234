import { sql } from 'kysely';
import type { Ledger } from './ledger.ts';

const TIMEOUT_MS = 2_000;

const READ_ONLY = '25006';

/**
 * What is missing when the ledger does not answer or takes no writes, for /readyz: nothing, or the ledger. Answers within
 * two seconds, whatever hangs.
 */
export async function ledgerMissing(ledger: Ledger): Promise<readonly string[]> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(resolve, TIMEOUT_MS, 'late');
  try {
    // Locks no row. A server that takes no writes refuses it.
    const asked = sql`select id from kpay.transfers where false for update`.execute(ledger.db);
    return (await Promise.race([asked, late])) === 'late' ? [`ledger: no answer within ${TIMEOUT_MS} ms`] : [];
  } catch (error) {
    const readOnly = error instanceof Error && 'code' in error && error.code === READ_ONLY;
    return [readOnly ? 'ledger: takes no writes' : 'ledger: cannot be reached'];
  } finally {
    clearTimeout(timer);
  }
}
