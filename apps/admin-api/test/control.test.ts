import { mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { finishRestore } from '@kpay/transfers/operations';
import { createFileEpochWitness, type EpochWitness } from '@kpay/transfers/worker';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningApi, startApi } from './running-api.ts';
import { openTestLedger } from './test-ledger.ts';

let api: RunningApi;
let epochFile: string;
let epochWitness: EpochWitness;
beforeAll(async () => {
  const opened = await openTestLedger();
  epochFile = join(opened.folder, 'ledger-epoch.json');
  epochWitness = createFileEpochWitness(epochFile);
  api = await startApi(opened, [], { epochWitness });
}, 60_000);
beforeEach(() => api.empty());
afterAll(() => api.close());

const request = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
const post = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
  api.ask(path, { method: 'POST', ...(body !== undefined && { body }), headers });
const created = async () => String((await post('/v1/transfers', request)).body.id);
const inState = (id: string, set: Record<string, unknown>) =>
  api.ledger.db.updateTable('kpay.transfers').set(set).where('id', '=', id).execute();

/** Goes through the states that lead there, as the ledger requires. */
async function review(id: string): Promise<void> {
  const soon = new Date(Date.now() + 60_000);
  await inState(id, { state: 'submitting', version: 2, lease_until: soon, due_at: soon, send_body: '{}' });
  await inState(id, { state: 'review', version: 3, lease_until: null, due_at: null });
}

describe('POST /v1/transfers/{id}/cancel', () => {
  it('cancels what was not sent; cancelling again is no error', async () => {
    const id = await created();
    const { status, body } = await post(`/v1/transfers/${id}/cancel`, { reason: 'wrong country' });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { state: 'cancelled', reason: 'cancelled by admin: wrong country' },
    });
    expect((await post(`/v1/transfers/${id}/cancel`)).status).toBe(200);
  });

  it('says that it is too late, and what is known of the money', async () => {
    const id = await created();
    await review(id);
    const { status, body } = await post(`/v1/transfers/${id}/cancel`);
    expect({ status, body }).toMatchObject({
      status: 409,
      body: { code: 'too_late', moneyMoved: 'unknown', safeToRetry: false },
    });
  });
});

describe('on a ledger that was restored from a backup', () => {
  const epochOfLedger = () => api.ledger.db.selectFrom('kpay.ledger').select(['id', 'epoch']).executeTakeFirstOrThrow();
  const asks = [
    ['cancel', {}],
    ['resolve', { verdict: 'not_happened', reason: 'not there' }],
  ] as const;

  it('cancels and resolves nothing before a restore is noticed; finishing lets both go', async () => {
    const id = await created();
    const { id: ledgerId, epoch } = await epochOfLedger();
    await epochWitness.replace({ ledgerId, epoch: epoch + 1 });
    for (const [path, body] of asks) {
      const answer = await post(`/v1/transfers/${id}/${path}`, body);
      expect(answer).toMatchObject({
        status: 409,
        body: { code: 'ledger_restored', moneyMoved: 'unknown', safeToRetry: false },
      });
      expect(answer.body.detail).toContain('run kpay restore finish first');
    }
    expect((await api.ask(`/v1/transfers/${id}`)).body).toMatchObject({ state: 'queued', version: 1 });
    await finishRestore(api.ledger, epochWitness, { by: 'ann' });
    expect((await post(`/v1/transfers/${id}/cancel`)).body).toMatchObject({ code: 'too_late', moneyMoved: 'unknown' });
    expect((await post(`/v1/transfers/${id}/resolve`, asks[1][1])).body).toMatchObject({ state: 'failed' });
  });

  it('both are refused while it cannot be told whether it was restored', async () => {
    const id = await created();
    rmSync(epochFile, { force: true });
    mkdirSync(epochFile);
    for (const [path, body] of asks) {
      const answer = await post(`/v1/transfers/${id}/${path}`, body);
      expect(answer).toMatchObject({
        status: 503,
        body: { code: 'epoch_unavailable', moneyMoved: 'unknown', safeToRetry: true },
      });
      expect(answer.headers.get('retry-after')).toBe('5');
    }
    rmdirSync(epochFile);
    expect((await post(`/v1/transfers/${id}/cancel`)).status).toBe(200);
  });
});

describe('If-Match', () => {
  it('lets nothing happen to a transfer that has changed since it was looked at', async () => {
    const id = await created();
    const { headers } = await api.ask(`/v1/transfers/${id}`);
    const seen = { 'if-match': String(headers.get('etag')) };
    await review(id);
    for (const [path, body] of [
      ['cancel', {}],
      ['resolve', { verdict: 'not_happened', reason: 'not there' }],
    ] as const) {
      const answer = await post(`/v1/transfers/${id}/${path}`, body, seen);
      expect(answer).toMatchObject({ status: 412, body: { code: 'precondition_failed' } });
      expect(answer.headers.get('etag')).toBe('"3"');
    }
    expect((await api.ask(`/v1/transfers/${id}`)).body).toMatchObject({ state: 'review', version: 3 });
    const resolution = { verdict: 'not_happened', reason: 'not there' };
    // A proxy that compresses answers makes the tag weak.
    const resolved = await post(`/v1/transfers/${id}/resolve`, resolution, { 'if-match': 'W/"3"' });
    expect([resolved.status, resolved.headers.get('etag')]).toEqual([200, '"4"']);
  });

  it.each(['3', '"x"', '"1", "2"', 'W/"x"', ''])('%j is refused', async (header) => {
    const answer = await post(`/v1/transfers/${await created()}/cancel`, {}, { 'if-match': header });
    expect(answer).toMatchObject({ status: 400, body: { parameter: 'If-Match' } });
  });
});

describe('POST /v1/transfers/{id}/resolve', () => {
  it('settles a review by what a person found, and only a review', async () => {
    const id = await created();
    const resolution = { verdict: 'not_happened', reason: 'not in the dashboard', evidence: 'ticket 7' };
    expect((await post(`/v1/transfers/${id}/resolve`, resolution)).body).toMatchObject({ code: 'not_in_review', status: 409 });
    await review(id);
    expect((await post(`/v1/transfers/${id}/resolve`, resolution)).body).toMatchObject({ state: 'failed', moneyMoved: 'no' });
  });

  it.each([
    ['/verdict', { reason: 'because' }],
    ['/verdict', { verdict: 'maybe', reason: 'because' }],
    ['/reason', { verdict: 'happened' }],
    ['/reason', { verdict: 'happened', reason: ' ' }],
    ['/proof', { verdict: 'happened', reason: 'because', proof: 'x' }],
  ])('refuses a body that is wrong at %s', async (pointer, body) => {
    const id = await created();
    expect((await post(`/v1/transfers/${id}/resolve`, body)).body).toMatchObject({
      status: 400,
      code: 'invalid_request',
      pointer,
    });
  });
});

describe('POST /v1/transfers/{id}/replay', () => {
  it('makes a linked transfer of a cancelled one, once for one identity', async () => {
    const id = await created();
    expect((await post(`/v1/transfers/${id}/replay`, { externalId: 'again' })).body).toMatchObject({ code: 'not_replayable' });
    await post(`/v1/transfers/${id}/cancel`);
    expect((await post(`/v1/transfers/${id}/replay`)).body).toMatchObject({ code: 'idempotency_required' });
    const first = await post(`/v1/transfers/${id}/replay`, {}, { 'idempotency-key': 'again' });
    expect({ status: first.status, body: first.body }).toMatchObject({
      status: 202,
      body: { replayOf: id, state: 'queued', amount: '50000' },
    });
    const second = await post(`/v1/transfers/${id}/replay`, {}, { 'idempotency-key': 'again' });
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(second.body.id).toBe(first.body.id);
  });
});

it('a problem about a late receipt after “not happened” says that money moved', async () => {
  const id = await created();
  await review(id);
  await post(`/v1/transfers/${id}/resolve`, { verdict: 'not_happened', reason: 'not in the dashboard' });
  await inState(id, { kpay_transfer_id: 'wt_late' });
  const replay = await post(`/v1/transfers/${id}/replay`, { externalId: 'again' });
  expect(replay.body).toMatchObject({ code: 'not_replayable', moneyMoved: 'yes' });
  const resolve = await post(`/v1/transfers/${id}/resolve`, { verdict: 'not_happened', reason: 'still not there' });
  expect(resolve.body).toMatchObject({ code: 'not_in_review', moneyMoved: 'yes' });
});

describe('/v1/pauses', () => {
  it('are made, listed and ended', async () => {
    const made = await post('/v1/pauses', {
      scope: 'corridor',
      account: 'default',
      corridor: 'CMR-GAB',
      reason: 'operator closed',
    });
    expect({ status: made.status, body: made.body }).toMatchObject({
      status: 201,
      body: { createdBy: 'admin', reason: 'operator closed', until: null },
    });
    expect((await api.ask('/v1/pauses')).body.items).toEqual([made.body]);
    const ended = await api.ask(`/v1/pauses/${made.body.id}`, { method: 'DELETE' });
    expect({ status: ended.status, body: ended.body }).toMatchObject({ status: 200, body: { liftedBy: 'admin' } });
    expect((await api.ask('/v1/pauses')).body.items).toEqual([]);
    expect((await api.ask(`/v1/pauses/${made.body.id}`, { method: 'DELETE' })).status).toBe(404);
  });

  it.each([
    ['/scope', { scope: 'everything', reason: 'x' }],
    ['/account', { scope: 'account', reason: 'x' }],
    ['/account', { scope: 'account', account: 'nobody', reason: 'x' }],
    ['/corridor', { scope: 'corridor', account: 'default', corridor: 'CMR', reason: 'x' }],
    ['/corridor', { scope: 'corridor', account: 'default', corridor: 'CMR-GBA', reason: 'x' }],
    ['/corridor', { scope: 'corridor', account: 'default', corridor: 'CMR-CMR', reason: 'x' }],
    ['/reason', { scope: 'all' }],
    ['/until', { scope: 'all', reason: 'x', until: 'tomorrow' }],
  ])('refuse a body that is wrong at %s', async (pointer, body) => {
    expect((await post('/v1/pauses', body)).body).toMatchObject({ status: 400, code: 'invalid_request', pointer });
  });
});
