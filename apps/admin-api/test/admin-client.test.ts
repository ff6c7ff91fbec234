import {
  type AdminClient,
  createAdminClient,
  NoAnswerError,
  ProblemError,
  sendByFetch,
  UnreadableAnswerError,
} from '@kpay/admin-client';
import { freePort } from '@kpay/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenApiDocument, typesOf } from '../../../packages/admin-client/scripts/generate.ts';
import { adminToken, type RunningApi, startApi } from './running-api.ts';
import { openTestLedger } from './test-ledger.ts';

const SCHEMA = '../../../packages/admin-client/src/generated/schema.ts';
const order = { sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 } as const;

let api: RunningApi;
let client: AdminClient;

beforeAll(async () => {
  // Includes the operations that only an embedded system has.
  const never = () => Promise.reject(new Error('nothing is maintained here'));
  api = await startApi(await openTestLedger(), [], {
    maintenance: { finishRestore: never, settle: never, rebuildQueue: never },
  });
  client = createAdminClient({ url: api.url, key: adminToken });
}, 60_000);
afterAll(() => api.close());

async function errorOf(asked: Promise<unknown>): Promise<unknown> {
  return asked.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('@kpay/admin-client', () => {
  it('has the types of the document that the API serves', async () => {
    const { body } = await api.ask('/openapi.json', { token: null });
    await expect(typesOf(body as unknown as OpenApiDocument)).toMatchFileSnapshot(SCHEMA);
  });

  it('answers with one type, numbers and booleans as such', async () => {
    const { data, header } = await client.createTransfer({ body: { ...order, externalId: 'client-1' } });
    const attempts: number = data.attempts;
    expect({ attempts, state: data.state, etag: header('etag') }).toEqual({ attempts: 0, state: 'queued', etag: '"1"' });
    const { data: page } = await client.listTransfers({ query: { limit: 1, externalId: 'client-1' } });
    expect(page.items).toEqual([data]);
    const { data: batch } = await client.createTransfers({
      query: { atomic: true },
      type: 'application/x-ndjson',
      body: JSON.stringify({ ...order, externalId: 'client-2' }),
    });
    const accepted: number = batch.accepted;
    expect(accepted).toBe(1);
  });

  it('tells a problem with its code and its pointer', async () => {
    const error = await errorOf(client.createTransfer({ body: { ...order, amount: '1.500', externalId: 'client-3' } }));
    expect(error).toBeInstanceOf(ProblemError);
    expect((error as ProblemError).problem).toMatchObject({ code: 'invalid_request', pointer: '/amount', moneyMoved: 'no' });
    expect(await errorOf(client.showTransfer({ id: '../accounts' }))).toMatchObject({ problem: { code: 'not_found' } });
  });

  it('says that nothing was sent only when there was no connection', async () => {
    const away = createAdminClient({ url: `http://127.0.0.1:${await freePort()}`, key: adminToken, retries: 0 });
    const error = await errorOf(away.createTransfer({ body: { ...order, externalId: 'client-4' } }));
    expect(error).toBeInstanceOf(NoAnswerError);
    expect(error).toMatchObject({ sent: 'no' });
  });

  it('sends a transfer again with the same body when the answer is lost', async () => {
    const bodies: unknown[] = [];
    const lossy = createAdminClient({
      url: api.url,
      key: adminToken,
      send: async (request) => {
        bodies.push(request.body);
        const answer = await sendByFetch(request);
        if (bodies.length > 1) return answer;
        throw new NoAnswerError('cut', { sent: 'maybe' });
      },
    });
    const { data, header } = await lossy.createTransfer({ body: { ...order, externalId: 'client-5' } });
    expect(bodies).toHaveLength(2);
    expect(bodies[0]).toBe(bodies[1]);
    expect({ id: data.externalId, replayed: header('idempotency-replayed') }).toEqual({ id: 'client-5', replayed: 'true' });
  });

  it('never repeats a write that has no id of its own', async () => {
    let tries = 0;
    const lossy = createAdminClient({
      url: api.url,
      key: adminToken,
      send: () => {
        tries += 1;
        return Promise.reject(new NoAnswerError('cut', { sent: 'maybe' }));
      },
    });
    const error = await errorOf(lossy.createPause({ body: { scope: 'all', reason: 'a test' } }));
    expect({ error, tries }).toMatchObject({ error: { sent: 'maybe' }, tries: 1 });
  });

  it('calls what answers no problem by its name, not an answer of the API', async () => {
    const proxy = createAdminClient({
      url: api.url,
      key: adminToken,
      retries: 0,
      send: async () => ({
        status: 502,
        header: () => 'text/html',
        kind: 'stream',
        chunks: (async function* () {
          yield Buffer.from('<h1>Bad Gateway</h1>');
        })(),
      }),
    });
    const error = await errorOf(proxy.listAccounts({}));
    expect(error).toBeInstanceOf(UnreadableAnswerError);
    expect(error).toMatchObject({ status: 502, snippet: '<h1>Bad Gateway</h1>' });
  });
});
