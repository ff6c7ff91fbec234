import { createLogger, openEmbeddedDatabase } from '@kpay/runtime';
import { keepLog } from '@kpay/testkit';

/**
 * Makes every transfer due that waits for something: for the lease of a send whose process is dead, or for its next
 * try. It is what the passing of time would do; tests need not wait for it. Nobody may be running on the folder.
 *
 * @returns how many sends had been left under way.
 */
export async function endWaits(dataDir: string): Promise<number> {
  const database = await openEmbeddedDatabase({
    dataDir,
    logger: createLogger({ name: 'test', destination: keepLog('end-waits') }),
  });
  try {
    const leased = await database.pool.query(
      'update kpay.transfers set due_at = now(), lease_until = now(), version = version + 1 where lease_until is not null',
    );
    await database.pool.query('update kpay.transfers set due_at = now() where due_at is not null');
    return leased.rowCount ?? 0;
  } finally {
    await database.close();
  }
}
