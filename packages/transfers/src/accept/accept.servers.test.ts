import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openTestLedger, type TestLedger } from '../../../ledger/test/test-ledger.ts';
import { acceptAllOrNone, type BatchOrder, type TransferOrder } from '../index.ts';

// Locks that cross need two sessions; the embedded database has one.
let ledger: TestLedger;
beforeAll(async () => {
  ledger = await openTestLedger();
});
beforeEach(() => ledger.empty());
afterAll(() => ledger.close());

const ROUNDS = 2;
const LINES = 300;
const accounts = new Set(['default']);
const inBatch = (order: TransferOrder): BatchOrder => ({ kind: 'order', order });
const order = (externalId: string, idempotencyKey: string): TransferOrder => ({
  account: 'default',
  owner: 'ann',
  body: { externalId, sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 1_000 },
  idempotencyKey,
});
const numbered = (line: number) => String(line).padStart(3, '0');

it('batches whose identities cross wait for each other: one is recorded, no deadlock', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const up = Array.from({ length: LINES }, (_, line) => order(`${round}-a-${numbered(line)}`, `${round}-${numbered(line)}`));
    const down = up.map(({ idempotencyKey }, line) => order(`${round}-b-${numbered(LINES - line)}`, idempotencyKey ?? ''));
    const results = await Promise.all([up, down].map((batch) => acceptAllOrNone(ledger, accounts, batch.map(inBatch))));
    expect(results.map(({ recorded }) => recorded).toSorted()).toEqual([false, true]);
    const refusals = results.flatMap(({ results: all }) => all.filter((each) => each.kind === 'refused'));
    expect(refusals.map(({ refused }) => refused.name)).toContain('IdempotencyConflict');
  }
  const { length } = await ledger.db.selectFrom('kpay.transfers').select('id').execute();
  expect(length).toBe(ROUNDS * LINES);
});

it('batches of the same externalIds in opposite orders make each transfer once', async () => {
  const batch = Array.from({ length: LINES }, (_, line) => order(`same-${numbered(line)}`, `key-${numbered(line)}`));
  const results = await Promise.all(
    [batch, batch.toReversed()].map((each) => acceptAllOrNone(ledger, accounts, each.map(inBatch))),
  );
  expect(results.map(({ recorded }) => recorded)).toEqual([true, true]);
  const replayed = results.flatMap(({ results: all }) => all.filter((each) => each.kind === 'accepted' && each.replayed));
  expect(replayed).toHaveLength(LINES);
});
