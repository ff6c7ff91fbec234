import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestLedger, type TestLedger } from '../../test/test-ledger.ts';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await openTestLedger();
});
afterAll(() => ledger.close());

describe('inside a ledger transaction', () => {
  it('a second transaction throws at once instead of waiting for the first', async () => {
    const nested = ledger.transaction(() => ledger.transaction((tx) => Promise.resolve(tx.now)));
    await expect(nested).rejects.toThrow('only its own client');
  });

  it('a read past its own client throws, also when it comes later', async () => {
    const read = ledger.transaction(async (tx) => {
      await tx.db.selectFrom('kpay.accounts').select('name').execute();
      return ledger.db.selectFrom('kpay.accounts').select('name').execute();
    });
    await expect(read).rejects.toThrow('only its own client');
  });

  it('what comes after it is free again', async () => {
    await ledger.transaction((tx) => Promise.resolve(tx.now));
    expect(await ledger.db.selectFrom('kpay.accounts').select('name').execute()).toEqual([]);
  });
});
