import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningApi, startApi } from './running-api.ts';
import { openTestLedger } from './test-ledger.ts';

let open: RunningApi;
let shut: RunningApi;
beforeAll(async () => {
  open = await startApi(await openTestLedger(), [], { corsOrigins: ['https://desk.example'] });
  shut = await startApi(await openTestLedger());
}, 60_000);
afterAll(async () => {
  await open.close();
  await shut.close();
});

const preflight = (origin: string) => ({
  method: 'OPTIONS',
  token: null,
  headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
});

it('lets a page of a named origin ask and read, refusals too, without credentials', async () => {
  const { status, headers } = await open.ask('/v1/transfers', preflight('https://desk.example'));
  expect([status, headers.get('access-control-allow-methods')]).toEqual([204, 'GET, POST, DELETE']);
  expect(headers.get('access-control-allow-headers')).toContain('If-Match');
  for (const token of [undefined, null]) {
    const answer = await open.ask('/v1/transfers', {
      headers: { origin: 'https://desk.example' },
      ...(token === null && { token }),
    });
    expect(answer.status).toBe(token === null ? 401 : 200);
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://desk.example');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    expect(answer.headers.get('vary')).toContain('Origin');
  }
});

it.each(['https://desk.example.evil', 'http://desk.example', 'https://DESK.example', 'null'])(
  'tells %s nothing',
  async (origin) => {
    for (const answer of [
      await open.ask('/v1/transfers', preflight(origin)),
      await open.ask('/v1/transfers', { headers: { origin } }),
      await shut.ask('/v1/transfers', { headers: { origin } }),
    ]) {
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    }
    expect((await open.ask('/v1/transfers', { headers: { origin } })).headers.get('vary')).toContain('Origin');
  },
);

it('compresses long reads for clients that take it, never the answer with a new key', async () => {
  for (let count = 0; count < 6; count += 1) {
    const made = await open.ask('/v1/api-keys', { body: { name: 'a'.repeat(100), owner: 'till', scopes: ['read'] } });
    expect([made.status, made.headers.get('content-encoding')]).toEqual([201, null]);
  }
  const encodingOf = async (accepted: string) => {
    const { status, headers, body } = await open.ask('/v1/api-keys', { headers: { 'accept-encoding': accepted } });
    expect([status, headers.get('vary'), headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining('Accept-Encoding'),
      'application/json; charset=utf-8',
    ]);
    expect(body.items).toHaveLength(6);
    return headers.get('content-encoding');
  };
  expect([await encodingOf('gzip, br'), await encodingOf('identity'), await encodingOf('gzip;q=0')]).toEqual([
    'gzip',
    null,
    null,
  ]);
});

it('reads a + of a time zone that an address turned into a space', async () => {
  for (const time of ['2026-01-01T00:00:00+01:00', '2026-01-01T00:00:00%2B01:00', '2026-01-01T00:00:00.5 01:00']) {
    const answer = await open.ask(`/v1/transfers?createdFrom=${time}&createdTo=${time}`);
    expect([time, answer.status]).toEqual([time, 200]);
  }
  expect((await open.ask('/v1/transfers?createdFrom=2026-01-01 01:00')).status).toBe(400);
});
