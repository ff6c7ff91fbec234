import { testServerUrls } from '@kpay/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestLedger, type TestLedger } from '../test/test-ledger.ts';
import { createLedger, type LedgerTransaction } from './ledger.ts';

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

// PGlite has one session: nobody can hold a lock there while somebody else waits for it.
it.skipIf(!testServerUrls())('a lock whose holder stands still is given up before the holder is ended', async () => {
  const lock = async (tx: LedgerTransaction) => {
    await tx.db
      .insertInto('kpay.wallets')
      .values({ account: 'default', currency: 'XAF' })
      .onConflict((it) => it.doNothing())
      .execute();
  };
  const locked = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const frozen = ledger.transaction(async (tx) => {
    await lock(tx);
    locked.resolve();
    await goOn.promise;
  });
  await locked.promise;
  await expect(createLedger(ledger.db).transaction(lock)).rejects.toMatchObject({ code: '55P03' });
  goOn.resolve();
  await frozen;
});
