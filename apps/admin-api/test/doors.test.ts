import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminToken, type RunningApi, startApi } from './running-api.ts';
import { openTestLedger } from './test-ledger.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi(await openTestLedger());
}, 60_000);
afterAll(() => api.close());

const request = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
const id = '00000000-0000-4000-8000-000000000000';
const paths = [
  '/v1/transfers',
  `/v1/transfers/${id}`,
  `/v1/transfers/${id}/events`,
  '/v1/balances',
  '/v1/availability',
  '/v1/rates?from=XAF&to=XOF',
  '/v1/accounts',
  '/v1/status',
  '/v1/nothing',
];
const recorded = async () => (await api.ledger.db.selectFrom('kpay.transfers').selectAll().execute()).length;

describe('without the token', () => {
  it.each(paths)('%s is 401 with a challenge', async (path) => {
    for (const token of [null, 'wrong', `${adminToken}x`, adminToken.slice(0, -1)]) {
      const answer = await api.ask(path, { token });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
      expect(answer.body).toMatchObject({ status: 401, code: 'unauthenticated' });
    }
  });

  it.each(['Basic YTpi', 'Bearer', `bearer  ${adminToken} x`, adminToken])(
    'Authorization: %s is no key',
    async (authorization) => {
      expect((await api.ask('/v1/transfers', { token: null, headers: { authorization } })).status).toBe(401);
    },
  );

  it('nothing is created, and the body is not even looked at', async () => {
    expect((await api.ask('/v1/transfers', { body: request, token: 'wrong' })).status).toBe(401);
    expect((await api.ask('/v1/transfers', { body: '{"broken', token: null })).status).toBe(401);
    expect(await recorded()).toBe(0);
  });

  it('/healthz and /readyz are open', async () => {
    for (const path of ['/healthz', '/readyz']) expect((await api.ask(path, { token: null })).status).toBe(200);
  });
});

it("the open paths have no name that somebody else's page could have", async () => {
  const statusAs = (path: string, host: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      get(`${api.url}${path}`, { headers: { host } }, (answer) => resolve(answer.resume().statusCode)).on('error', reject);
    });
  for (const path of ['/metrics', '/openapi.json', '/docs/', '/docs/start.js']) {
    expect(await statusAs(path, 'localhost'), path).toBe(200);
    expect(await statusAs(path, 'evil.example'), path).toBe(421);
  }
});

describe('what is not there', () => {
  it.each(['/v2/transfers', '/v1', '/v1/nothing', '/v1/transfers/x/y/z'])('%s is 404', async (path) => {
    const answer = await api.ask(path);
    expect(answer.status).toBe(404);
    expect(answer.body.code).toBe('not_found');
  });

  it.each([
    ['DELETE', '/v1/transfers', 'POST, GET, HEAD'],
    ['POST', '/v1/balances', 'GET, HEAD'],
    ['PATCH', `/v1/transfers/${id}`, 'GET, HEAD'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['OPTIONS', '/v1/transfers', 'POST, GET, HEAD'],
  ])('%s %s is 405 and says what is allowed', async (method, path, allow) => {
    const answer = await api.ask(path, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe(allow);
    expect(answer.body.code).toBe('method_not_allowed');
  });
});

describe('a body that cannot be read', () => {
  it.each([
    ['broken JSON', 400, 'malformed_json', { body: '{"amount": 5' }],
    ['a bare NaN', 400, 'malformed_json', { body: '{"amount": NaN}' }],
    ['a bare value', 400, 'malformed_json', { body: '"transfer"' }],
    ['more than 100 kB', 413, 'body_too_large', { body: { ...request, description: 'x'.repeat(100_001) } }],
    ['a form', 415, 'unsupported_media_type', { body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
    ['text', 415, 'unsupported_media_type', { body: '{}', headers: { 'content-type': 'text/plain' } }],
    ['no known type', 415, 'unsupported_media_type', { body: '{}', headers: { 'content-type': 'nonsense' } }],
    ['latin-1', 415, 'unsupported_media_type', { body: '{}', headers: { 'content-type': 'application/json; charset=latin1' } }],
    ['UTF-16', 415, 'unsupported_media_type', { body: '{}', headers: { 'content-type': 'application/json; charset=utf-16' } }],
    ['deep nesting', 400, 'invalid_request', { body: `${'['.repeat(33)}${']'.repeat(33)}` }],
    [
      'no known charset',
      415,
      'unsupported_media_type',
      { body: '{}', headers: { 'content-type': 'application/json; charset=utf-99' } },
    ],
    ['compressed', 415, 'unsupported_media_type', { body: '{}', headers: { 'content-encoding': 'gzip' } }],
    ['nothing', 400, 'invalid_request', { headers: { 'content-type': 'application/json' } }],
  ])('%s: %i %s', async (_what, status, code, options) => {
    const answer = await api.ask('/v1/transfers', { method: 'POST', ...options });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.text).not.toMatch(/node_modules|\.ts:|\.js:/);
    expect(await recorded()).toBe(0);
  });

  it.each([
    ['a NUL in a text', { body: { ...request, externalId: 'a\u0000b' } }],
    ['a NUL in the metadata', { body: { ...request, metadata: { team: 'a\u0000b' } } }],
    ['deep nesting', { body: `${'['.repeat(40_000)}${']'.repeat(40_000)}` }],
    ['deep nesting in a field', { body: `{"metadata":${'{"a":'.repeat(15_000)}1${'}'.repeat(15_000)}}` }],
    ['__proto__', { body: '{"__proto__":{"externalId":"x"},"sourceCountry":"CMR"}' }],
    ['a broken content type', { body: '{}', headers: { 'content-type': 'application/json; charset' } }],
  ])('%s is a 4xx', async (_what, options) => {
    const answer = await api.ask('/v1/transfers', { method: 'POST', ...options });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(await recorded()).toBe(0);
  });

  it.each(['/v1/transfers', '/v1/pauses', '/v1/api-keys'])('%s: what is not UTF-8 is said to be so', async (path) => {
    const answer = await fetch(api.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: Buffer.concat([Buffer.from('{"description":"caf'), Buffer.from([0xe9]), Buffer.from('"}')]),
    });
    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { code: 'invalid_request', pointer: '', detail: 'body: is not UTF-8: save or send it as UTF-8' },
    ]);
  });

  it.each(['externalId=caf%E9', 'externalId=%E0%A4%A', 'reason=100%'])(
    'a query that is not UTF-8 is said to be so: %s',
    async (query) => {
      expect(await api.ask(`/v1/transfers?${query}`)).toMatchObject({
        status: 400,
        body: { code: 'invalid_request', detail: 'The query is not percent-encoded UTF-8: write a % as %25.' },
      });
    },
  );

  it.each(['/v1/transfers/%E0%A4%A', '/v1/transfers?externalId=%00', '/v1/transfers?externalId=%E0%A4%A', '/%', '/v1//'])(
    'a path of %s is no fault of ours',
    async (path) => {
      expect((await api.ask(path)).status).toBeLessThan(500);
    },
  );
});

describe('what can be read in two ways', () => {
  const line = (fields: string) => `{"externalId":"doubt","sourceCountry":"CMR","destinationCountry":"GAB",${fields}}`;
  const twice = 'body: has the field amount twice in one object';
  const thousands = 'body: has the amount 500.000, which can be read in two ways: write 500000 or 500.00';

  it.each([
    ['"amount":500.000', thousands],
    ['"amount":500,"amount":5000', twice],
    ['"amount":500,"am\\u006funt":5000', twice],
  ])('is refused in JSON and in a line of it: %s', async (fields, detail) => {
    const problem = { code: 'invalid_request', pointer: '', detail };
    const text = line(fields);
    const post = (path: string, type: string) => api.ask(path, { method: 'POST', body: text, headers: { 'content-type': type } });
    for (const path of ['/v1/transfers', '/v1/transfers/dry-run']) {
      expect(await post(path, 'application/json')).toMatchObject({ status: 400, body: problem });
    }
    const batch = await post('/v1/transfers/batch', 'application/x-ndjson');
    expect(batch.body.results).toMatchObject([{ line: 1, outcome: 'refused', problem }]);
  });

  it('is refused in the limits of a key and the amount of a quote, too', async () => {
    const ask = (path: string, body: string) => api.ask(path, { method: 'POST', body });
    const key = '{"name":"n","owner":"o","scopes":["read"],"spendLimits":[{"currency":"XAF","amount":500.000,"hours":1}]}';
    expect(await ask('/v1/api-keys', key)).toMatchObject({ status: 400, body: { detail: thousands } });
    const quote = '{"sourceCountry":"CMR","destinationCountry":"SEN","amount":500.000}';
    expect(await ask('/v1/quotes', quote)).toMatchObject({ status: 400, body: { detail: thousands } });
  });
});

// Last, because there is no ledger after it.
describe('while the ledger is away', () => {
  it('says 503 and when to come back; /readyz fails, /healthz does not', async () => {
    await api.stopLedger();
    const answer = await api.ask('/v1/transfers', { body: { ...request, description: 'for +237 6 53 45 67 89' } });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(answer.body).toMatchObject({ code: 'ledger_unavailable', safeToRetry: true, moneyMoved: 'unknown' });
    expect((await api.ask('/v1/transfers')).body).toMatchObject({ code: 'ledger_unavailable', moneyMoved: 'no' });
    const pause = await api.ask('/v1/pauses', { body: { scope: 'all', reason: 'try' } });
    // A second pause would stay in force when the first is lifted.
    expect(pause.body).toMatchObject({ code: 'ledger_unavailable', safeToRetry: false });
    const ready = await api.ask('/readyz');
    expect([ready.status, ready.text]).toEqual([503, 'ledger: cannot be reached\n']);
    expect((await api.ask('/healthz')).status).toBe(200);
    expect((await api.ask('/v1/api-keys/237653456789', { method: 'DELETE' })).status).toBe(503);
    expect(api.logged()).toContain('ledger_unavailable');
    expect(api.logged()).not.toMatch(/653456789|53 45 67 89/);
  });
});
