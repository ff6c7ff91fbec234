import { definePlugin } from '@kpay/transfers/plugin';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningApi, startApi } from './running-api.ts';
import { openTestLedger } from './test-ledger.ts';

const holiday = definePlugin({
  name: 'acme',
  checks: [
    {
      name: 'holiday',
      check: ({ description }) =>
        description === 'holiday'
          ? { verdict: 'hold', code: 'closed', reason: 'the bank is closed', until: new Date(Date.now() + 60_000) }
          : { verdict: 'pass' },
    },
  ],
});

let api: RunningApi;
beforeAll(async () => {
  api = await startApi(await openTestLedger(), [holiday]);
}, 60_000);
beforeEach(() => api.empty());
afterAll(() => api.close());

const request = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 50_000 };
const dryRun = (changes: object = {}) => api.ask('/v1/transfers/dry-run', { body: { ...request, ...changes } });
const written = async () => {
  const rows = await api.ledger.db.selectFrom('kpay.transfers').select('id').execute();
  const events = await api.ledger.db.selectFrom('kpay.transfer_events').select('id').execute();
  return rows.length + events.length;
};
const sends = () => api.simulator.control.truth().transfers.length;

describe('POST /v1/transfers/dry-run', () => {
  it('says that it would be sent, by which checks, and writes and sends nothing', async () => {
    const { status, body } = await dryRun({ minRate: '0.5' });
    expect({ status, body }).toMatchObject({ status: 200, body: { outcome: 'would_send', reason: null, transfer: null } });
    const checks = body.checks as { check: string; verdict: string; inputs: object | null }[];
    expect(checks.map(({ check, verdict }) => [check, verdict])).toEqual([
      ['schedule', 'pass'],
      ['rate', 'pass'],
      ['funds', 'pass'],
      ['acme/holiday', 'pass'],
    ]);
    expect(checks.find(({ check }) => check === 'funds')?.inputs).toHaveProperty('balance');
    expect([await written(), sends(), api.notified.length]).toEqual([0, 0, 0]);
  });

  it.each([
    ['would_hold', 'rate_below_minimum', { minRate: '99' }],
    ['would_hold', 'acme/closed', { description: 'holiday' }],
    ['would_fail', 'insufficient_funds', { amount: 10_000_000, onInsufficientFunds: 'fail' }],
    ['would_hold', 'insufficient_funds', { amount: 10_000_000 }],
  ])('%s: %s', async (outcome, reasonCode, changes) => {
    // KPay shows one figure for all wallets of a currency.
    for (const country of ['CMR', 'GAB', 'COG']) api.simulator.control.setBalance({ country, balance: 300_000 });
    // A balance that was read just now is fresh enough for the check.
    await api.account.observations.balance({ maxAgeMs: 0, lane: 'people' });
    const { status, body } = await dryRun(changes);
    expect({ status, body }).toMatchObject({ status: 200, body: { outcome, reasonCode } });
    expect(body.reason).toMatch(/\w/);
    expect(await written()).toBe(0);
  });

  it('knows of a pause', async () => {
    const pause = await api.ask('/v1/pauses', { body: { scope: 'all', reason: 'audit' } });
    expect((await dryRun()).body).toMatchObject({
      outcome: 'would_hold',
      reasonCode: 'paused',
      reason: 'paused by admin: audit',
    });
    await api.ask(`/v1/pauses/${pause.body.id}`, { method: 'DELETE' });
  });

  it('shows the transfer that the same order made, and refuses another under its id', async () => {
    const made = await api.ask('/v1/transfers', { body: request });
    expect((await dryRun()).body).toMatchObject({ outcome: 'known', transfer: { id: made.body.id } });
    expect(await dryRun({ amount: 60_000 })).toMatchObject({ status: 422, body: { code: 'idempotency_conflict' } });
  });

  it('judges a quote without using it up', async () => {
    const quote = await api.ask('/v1/quotes', { body: { sourceCountry: 'CMR', destinationCountry: 'SEN' } });
    const quoteId = quote.body.id;
    for (let n = 0; n < 2; n += 1) expect((await dryRun({ quoteId })).body).toMatchObject({ outcome: 'would_send' });
    expect((await api.ask('/v1/transfers', { body: { ...request, quoteId } })).status).toBe(202);
    expect(await dryRun({ externalId: 'other', quoteId })).toMatchObject({ status: 400, body: { pointer: '/quoteId' } });
  });

  it('is answered in the old way too', async () => {
    const old = await api.ask('/v1/transfers?dryRun=true', { body: request });
    expect(old).toMatchObject({ status: 200, body: { outcome: 'would_send', transfer: null } });
    expect(await written()).toBe(0);
  });

  it('refuses what a transfer is refused for', async () => {
    expect(await dryRun({ amount: 1 })).toMatchObject({ status: 400, body: { pointer: '/amount' } });
    expect(await dryRun({ externalId: undefined })).toMatchObject({ status: 400, body: { code: 'idempotency_required' } });
    expect(await dryRun({ account: 'nobody' })).toMatchObject({ status: 400, body: { pointer: '/account' } });
  });
});
