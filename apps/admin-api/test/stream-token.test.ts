import { acceptTransfer } from '@kpay/transfers';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createStreamTokens } from '../src/auth/stream-token.ts';
import { adminToken, type RunningApi, startApi } from './running-api.ts';
import { openTestLedger } from './test-ledger.ts';
import { audience, startIssuer, type TokenIssuer } from './token-issuer.ts';

let issuer: TokenIssuer;
let api: RunningApi;
let database: Awaited<ReturnType<typeof openTestLedger>>['database'];
beforeAll(async () => {
  issuer = await startIssuer();
  const oidc = { issuer: issuer.issuer, audience, scopesClaim: 'scope', scopes: [{ claimed: 'treasury.read', scope: 'read' }] };
  const opened = await openTestLedger();
  database = opened.database;
  api = await startApi(opened, [], { oidc });
}, 60_000);
beforeEach(() => api.empty());
afterAll(async () => {
  await api.close();
  await issuer.close();
});

/** Sends a request as an EventSource does: without a header. */
async function open(token: string): Promise<{ status: number; detail: string; body: ReadableStream<Uint8Array> | null }> {
  const leave = new AbortController();
  onTestFinished(() => leave.abort());
  const answer = await fetch(`${api.url}/v1/stream?token=${token}`, { signal: leave.signal });
  const detail = answer.ok ? '' : ((await answer.json()) as { detail: string }).detail;
  return { status: answer.status, detail, body: answer.body };
}

async function tokenOf(token: string = adminToken): Promise<string> {
  const made = await api.ask('/v1/stream-tokens', { method: 'POST', token });
  expect(made.status).toBe(201);
  const leftMs = Date.parse(String(made.body.expiresAt)) - Date.now();
  expect(leftMs).toBeGreaterThan(50_000);
  expect(leftMs).toBeLessThanOrEqual(60_000);
  return String(made.body.token);
}

async function keyWith(changes: object = {}): Promise<{ id: string; key: string }> {
  const { body } = await api.ask('/v1/api-keys', { body: { name: 'desk', owner: 'desk', scopes: ['read'], ...changes } });
  return { id: String(body.id), key: String(body.key) };
}

/** From now on the process believes that this much time has passed. */
function pass(ms: number): void {
  const now = Date.now.bind(Date);
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + ms);
  onTestFinished(() => clock.mockRestore());
}

it('opens the stream, and nothing else', async () => {
  const token = await tokenOf();
  const { status, body } = await open(token);
  expect(status).toBe(200);
  const first = await body?.getReader().read();
  expect(new TextDecoder().decode(first?.value)).toMatch(/^retry: \d+\nid: \d+\n\n/);
  for (const [path, options] of [
    [`/v1/transfers?token=${token}`, { token: null }],
    ['/v1/transfers', { token }],
    ['/v1/stream', { token }],
    ['/v1/stream-tokens', { token, method: 'POST' }],
    [`/v1/stream-tokens?token=${token}`, { token: null, method: 'POST' }],
  ] as const) {
    expect((await api.ask(path, options)).status, path).toBe(401);
  }
});

it('lives one minute; a stream that it opened goes on', async () => {
  const token = await tokenOf();
  const { body } = await open(token);
  const reader = body?.getReader();
  await reader?.read();
  pass(60_001);
  expect(await open(token)).toMatchObject({ status: 401, detail: 'The stream token has expired: ask for another one.' });
  const request = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
  await api.ask('/v1/transfers', { body: request });
  expect(new TextDecoder().decode((await reader?.read())?.value)).toContain('"type":"accepted"');
});

it('ends with the key that it was made with, and so do the streams it opened', async () => {
  const { id, key } = await keyWith();
  const token = await tokenOf(key);
  const { body } = await open(token);
  const reader = body?.getReader();
  await reader?.read();
  await api.ask(`/v1/api-keys/${id}`, { method: 'DELETE' });
  expect(await open(token)).toMatchObject({ status: 401, detail: 'The key was revoked.' });
  const now = performance.now.bind(performance);
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 15_001);
  try {
    expect((await reader?.read())?.done).toBe(true);
  } finally {
    clock.mockRestore();
  }
});

it('needs the right to read, and what binds a key to addresses binds its tokens', async () => {
  const { key: maker } = await keyWith({ scopes: ['transfers:create'] });
  expect((await api.ask('/v1/stream-tokens', { method: 'POST', token: maker })).status).toBe(403);
  const { id, key } = await keyWith({ addressRanges: ['127.0.0.1'] });
  const token = await tokenOf(key);
  expect((await open(token)).status).toBe(200);
  // A key's addresses do not change. So this stands for a browser at another address.
  await database.pool.query(`update kpay.api_keys set address_ranges = '{10.0.0.0/8}' where id = '${id}'`);
  expect(await open(token)).toMatchObject({ status: 401, detail: 'The key may not be used from this address.' });
});

it('shows what the key may see, and no other account', async () => {
  const { key } = await keyWith({ accounts: ['other'] });
  const { body } = await open(await tokenOf(key));
  const reader = body?.getReader();
  await reader?.read();
  const order = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
  await api.ask('/v1/transfers', { body: order });
  const theirs = { account: 'other', owner: 'till', body: order };
  const { transfer } = await acceptTransfer(api.ledger, new Set(['other']), theirs);
  const events = new TextDecoder().decode((await reader?.read())?.value).match(/"transferId":"[^"]+"/g);
  expect(events).toEqual([`"transferId":"${transfer.id}"`]);
});

it('reaches the accounts that a caller without a key reached', async () => {
  const tokens = createStreamTokens({ secret: 'secret', adminToken, keys: { read: async () => undefined } });
  const caller = { id: 'issuer#ann', owner: 'issuer#ann', scopes: new Set(['read', 'control'] as const) };
  for (const accounts of [null, [], ['one', 'two']]) {
    const { token } = tokens.issue({ ...caller, accounts });
    expect(await tokens.verify(token, undefined, true)).toEqual({ ...caller, accounts, scopes: new Set(['read']) });
  }
});

it('ends with the token of an issuer that it was made with', async () => {
  const exp = Math.floor(Date.now() / 1_000) + 10;
  const token = await tokenOf(await issuer.token({ exp }));
  expect((await open(token)).status).toBe(200);
  // The issuer's clock may differ by half a minute.
  pass(41_000);
  expect(await open(token)).toMatchObject({ status: 401, detail: expect.stringContaining('has expired') });
});

it('is refused when it was changed, or stands beside another credential', async () => {
  const token = await tokenOf();
  const [, claims = '', mac = ''] = /^kpst_(.+)_(.{43})$/.exec(token) ?? [];
  const longer = Buffer.from(
    Buffer.from(claims, 'base64url')
      .toString()
      .replace(/\d{13}/, '9999999999999'),
  ).toString('base64url');
  for (const forged of [`kpst_${longer}_${mac}`, `kpst_${claims}_${'A'.repeat(43)}`, 'kpst_', '', adminToken]) {
    expect((await open(forged)).status, forged).toBe(401);
  }
  expect(await api.ask(`/v1/stream?token=${token}`)).toMatchObject({ status: 400, body: { parameter: 'token' } });
  expect(await api.ask(`/v1/stream?token=${token}&token=x`, { token: null })).toMatchObject({ status: 400 });
});

it('is good at every process that has the same secret, and stands in no log', async () => {
  const token = await tokenOf();
  const other = await startApi({ ledger: api.ledger, empty: async () => {}, stop: async () => {}, remove: () => {} });
  onTestFinished(() => other.close());
  const leave = new AbortController();
  const answer = await fetch(`${other.url}/v1/stream?token=${token}`, { signal: leave.signal });
  expect(answer.status).toBe(200);
  leave.abort();
  await api.stopLedger();
  // The API whose ledger is away logs the request that it could not answer.
  expect((await open(token)).status).toBe(503);
  expect(api.logged()).toContain('ledger_unavailable');
  expect(api.logged() + other.logged()).not.toContain('kpst_');
});
