import { sql } from 'kysely';
import type { Ledger } from './ledger.ts';
import { TookTooLong, within } from './within.ts';

const TIMEOUT_MS = 2_000;

const READ_ONLY = '25006';

/**
 * What is missing while the ledger does not answer or takes no writes, for /readyz; empty when all is well. It answers
 * within two seconds, whatever hangs.
 */
export async function ledgerMissing(ledger: Ledger): Promise<readonly string[]> {
  try {
    // Locks no row, but a server that takes no writes refuses it.
    await within(TIMEOUT_MS, undefined, () => sql`select id from kpay.transfers where false for update`.execute(ledger.db));
    return [];
  } catch (error) {
    if (error instanceof TookTooLong) return [`ledger: no answer within ${TIMEOUT_MS} ms`];
    const readOnly = error instanceof Error && 'code' in error && error.code === READ_ONLY;
    return [readOnly ? 'ledger: takes no writes' : 'ledger: cannot be reached'];
  }
}
