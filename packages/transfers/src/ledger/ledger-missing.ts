import type { Ledger } from './ledger.ts';

const TIMEOUT_MS = 2_000;

/** What is missing when the ledger does not answer, for /readyz: nothing, or the ledger. Answers within two seconds, whatever hangs. */
export async function ledgerMissing(ledger: Ledger): Promise<readonly string[]> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const timer = setTimeout(resolve, TIMEOUT_MS, 'late');
  try {
    const asked = ledger.db.selectFrom('kpay.transfers').select('id').limit(1).execute();
    return (await Promise.race([asked, late])) === 'late' ? [`ledger: no answer within ${TIMEOUT_MS} ms`] : [];
  } catch {
    return ['ledger: cannot be reached'];
  } finally {
    clearTimeout(timer);
  }
}
