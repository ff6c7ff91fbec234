import { testServerUrls } from '@kpay/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningApi, startApi } from './running-api.ts';
import { openPostgresLedger } from './test-ledger.ts';

const request = { sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };

describe.skipIf(!testServerUrls())('a batch of 1,000 with atomic=true, on Postgres', { timeout: 120_000 }, () => {
  let api: RunningApi;
  beforeAll(async () => {
    api = await startApi(await openPostgresLedger());
  }, 60_000);
  afterAll(() => api.close());

  const lines = Array.from({ length: 1_000 }, (_, n) => ({ ...request, externalId: `thousand-${n}` }));
  const ndjson = (orders: readonly object[]) => orders.map((order) => JSON.stringify(order)).join('\n');
  const csv = ['externalId,sourceCountry,destinationCountry,amount']
    .concat(lines.map(({ externalId }) => `${externalId},CMR,GAB,50000`))
    .join('\r\n');
  const send = (body: string, type: string) =>
    api.ask('/v1/transfers/batch?atomic=true', { body, headers: { 'content-type': type } });
  const recorded = async () =>
    (await api.ledger.db.selectFrom('kpay.transfers').select('id').where('external_id', 'like', 'thousand-%').execute()).length;

  it('makes none when the last line is refused', async () => {
    const answer = await send(ndjson([...lines.slice(1), { ...request, amount: 1 }]), 'application/x-ndjson');
    expect(answer).toMatchObject({
      status: 422,
      body: { code: 'batch_refused', lines: [{ line: 1_000, pointer: '/amount' }] },
    });
    expect(await recorded()).toBe(0);
  });

  it('makes all of them as CSV, and answers the same ones as NDJSON', async () => {
    const made = await send(csv, 'text/csv');
    expect(made).toMatchObject({ status: 200, body: { accepted: 1_000, replayed: 0, refused: 0 } });
    expect(await recorded()).toBe(1_000);
    const again = await send(ndjson(lines), 'application/x-ndjson');
    expect(again).toMatchObject({ status: 200, body: { accepted: 0, replayed: 1_000, refused: 0 } });
  });

  it('makes all of them as NDJSON', async () => {
    const others = lines.map((line) => ({ ...line, externalId: `more-${line.externalId}` }));
    const made = await send(ndjson(others), 'application/x-ndjson');
    expect(made).toMatchObject({ status: 200, body: { accepted: 1_000, replayed: 0, refused: 0 } });
  });
});
