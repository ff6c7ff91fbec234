import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTestLedger, type TestLedger } from '../../../ledger/test/test-ledger.ts';
import { acceptTransfer, IdempotencyConflict, InvalidRequest, listTransferEvents } from '../index.ts';

let ledger: TestLedger;
beforeAll(async () => {
  ledger = await openTestLedger();
});
beforeEach(() => ledger.empty());
afterAll(() => ledger.close());

const good = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 100_000 };
const accounts = new Set(['default', 'other']);
const order = (body: unknown, more: { account?: string; owner?: string; idempotencyKey?: string; jobId?: string } = {}) =>
  acceptTransfer(ledger, accounts, { account: 'default', owner: 'admin', body, ...more });
const recorded = async () => (await ledger.db.selectFrom('kpay.transfers').selectAll().execute()).length;

describe('accepting', () => {
  it('makes a durable, queued, due row with its event', async () => {
    const { transfer, replayed } = await order(good);
    expect(replayed).toBe(false);
    expect(transfer).toMatchObject({
      state: 'queued',
      amount_minor: '100000',
      currency: 'XAF',
      destination_currency: 'XOF',
      priority: 5,
    });
    expect(await listTransferEvents(ledger, transfer.id)).toMatchObject([
      { type: 'accepted', to_state: 'queued', actor: 'admin' },
    ]);
  });

  it.each([
    ['notBefore', '0000-01-01T00:00:00Z'],
    ['notBefore', '9999-12-31T23:59:59-23:59'],
    ['expiresAt', '9999-12-31T23:59:59Z'],
    ['minRate', '1e-45'],
    ['minRate', '1e39'],
    ['minRate', 1e21],
    ['minRate', '1000000000.1'],
    ['minRate', '1e-10'],
    ['minRate', '1e99'],
    ['minRate', '0.0000000000000000000000000000000000000001'],
    ['amount', '500.000'],
  ])('refuses %s %j naming the field', async (field, value) => {
    await expect(order({ ...good, [field]: value })).rejects.toMatchObject({ name: 'InvalidRequest', field });
    expect(await recorded()).toBe(0);
  });

  it.each([50_000, '50000', '50000.00'])('understands %j as the same amount: a replay, not a conflict', async (amount) => {
    const first = await order({ ...good, amount: 50_000 });
    const second = await order({ ...good, amount });
    expect(second).toMatchObject({ replayed: true, transfer: { id: first.transfer.id } });
    expect(await recorded()).toBe(1);
  });

  it('makes one transfer of 100 twins at once', async () => {
    const all = await Promise.all(Array.from({ length: 100 }, () => order(good)));
    expect(new Set(all.map(({ transfer }) => transfer.id)).size).toBe(1);
    expect(all.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(await recorded()).toBe(1);
  });

  it('refuses the same externalId or key for something else', async () => {
    await order(good, { idempotencyKey: 'key-1' });
    await expect(order({ ...good, amount: 200 })).rejects.toThrow(IdempotencyConflict);
    await expect(order({ ...good, externalId: 'order-2' }, { idempotencyKey: 'key-1' })).rejects.toThrow(IdempotencyConflict);
    expect(await recorded()).toBe(1);
  });

  it('keeps keys of owners and ids of accounts apart', async () => {
    const { externalId: _, ...body } = good;
    await order(body, { idempotencyKey: 'key-1', owner: 'ann' });
    await order(body, { idempotencyKey: 'key-1', owner: 'bob' });
    await order(good);
    await order(good, { account: 'other' });
    const rows = await ledger.db.selectFrom('kpay.transfers').selectAll().execute();
    expect(new Set(rows.map((row) => row.kpay_external_id)).size).toBe(4);
  });

  it('answers a replay first: an order that has expired still finds its transfer', async () => {
    const expiring = { ...good, expiresAt: new Date(Date.now() + 1_000).toISOString() };
    const { transfer } = await order(expiring);
    ledger.passMs(10_000);
    expect(await order(expiring)).toMatchObject({ replayed: true, transfer: { id: transfer.id } });
    await expect(order({ ...expiring, externalId: 'order-2' })).rejects.toThrow('expiresAt: must be in the future');
  });

  it('lets the latest job follow a transfer', async () => {
    await order(good, { owner: 'queue', jobId: 'job-1' });
    const { transfer } = await order(good, { owner: 'queue', jobId: 'job-2' });
    expect(transfer.job_id).toBe('job-2');
  });
});

describe('an order that cannot be right is refused, names its field and leaves nothing behind', () => {
  it.each([
    ['amount', { ...good, amount: 0 }, 'above zero'],
    ['amount', { ...good, amount: -5 }, 'positive'],
    ['amount', { ...good, amount: Number.NaN }, 'number'],
    ['amount', { ...good, amount: 'NaN' }, 'decimal'],
    ['amount', { ...good, amount: Number.POSITIVE_INFINITY }, 'number'],
    ['amount', { ...good, amount: JSON.parse('1e309') }, 'number'],
    ['amount', { ...good, amount: '1e3' }, 'decimal'],
    ['amount', { ...good, amount: 50_000.5 }, 'whole number of XAF'],
    ['amount', { ...good, amount: '50000.5' }, 'whole number of XAF'],
    ['amount', { ...good, amount: 99 }, 'from 100 to 10000000 XAF'],
    ['amount', { ...good, amount: 10_000_001 }, 'from 100 to 10000000 XAF'],
    ['amount', { ...good, amount: null }, 'decimal string'],
    ['amount', { ...good, amount: undefined }, 'required'],
    ['sourceCountry', { ...good, sourceCountry: 'FRA' }, 'CMR'],
    ['destinationCountry', { ...good, destinationCountry: 'XXX' }, 'CMR'],
    ['sourceCountry', { ...good, sourceCountry: undefined }, 'required'],
    ['destinationCountry', { ...good, destinationCountry: 'CMR' }, 'must differ'],
    ['sourceCountry', { ...good, sourceCountry: 'COD' }, 'CDF'],
    ['destinationCountry', { ...good, destinationCountry: 'COD' }, 'USD'],
    ['externalId', { ...good, externalId: undefined }, 'required'],
    ['externalId', { ...good, externalId: '  ' }, 'empty'],
    ['minrate', { ...good, minrate: '1' }, 'not a field'],
    ['minRate', { ...good, minRate: '0' }, 'above zero'],
    [
      'minRate',
      { ...good, destinationCountry: 'GAB', minRate: '1.000000001' },
      'must be at most 1, which is the rate within XAF',
    ],
    ['notBefore', { ...good, notBefore: 'tomorrow' }, 'ISO 8601'],
    ['expiresAt', { ...good, notBefore: '2027-01-02T00:00:00Z', expiresAt: '2027-01-01T00:00:00Z' }, 'later than notBefore'],
    ['expiresAt', { ...good, expiresAt: '2020-01-01T00:00:00Z' }, 'future'],
    ['priority', { ...good, priority: 10 }, '0 to 9'],
    ['onInsufficientFunds', { ...good, onInsufficientFunds: 'maybe' }, '"hold" or "fail"'],
    ['metadata.team', { ...good, metadata: { team: 7 } }, 'string'],
    ['description', { ...good, description: 'a\u202eb' }, 'U+202E'],
    ['metadata', { ...good, metadata: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [n, 'x'])) }, 'at most 50'],
    ['body', null, 'object'],
    ['body', [good], 'object'],
    ['body', 'transfer', 'object'],
  ])('%s: %j', async (field, body, problem) => {
    const refusal = await order(body).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(InvalidRequest);
    expect(refusal).toMatchObject({ field });
    expect(String(refusal)).toContain(problem);
    expect(await recorded()).toBe(0);
  });

  it('account: one that does not exist', async () => {
    await expect(order(good, { account: 'nobody' })).rejects.toMatchObject({ field: 'account', code: 'unknown_account' });
  });
});
