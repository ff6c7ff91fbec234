import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { idOfApiKey, makeApiKey } from '../src/api-key.ts';
import { isAddressRange } from '../src/authenticate.ts';
import { scopes } from '../src/scopes.ts';
import { type RunningApi, startApi } from './running-api.ts';
import { openTestLedger } from './test-ledger.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi(await openTestLedger());
}, 60_000);
beforeEach(() => api.empty());
afterAll(() => api.close());

const wish = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
const wanted = { name: 'the till', owner: 'till', scopes: ['read', 'transfers:create'] };

async function makeKey(changes: Record<string, unknown> = {}, token?: string): Promise<{ id: string; key: string }> {
  const answer = await api.ask('/v1/api-keys', { body: { ...wanted, ...changes }, ...(token !== undefined && { token }) });
  expect(answer.status, answer.text).toBe(201);
  return { id: String(answer.body.id), key: String(answer.body.key) };
}

interface Route {
  method: string;
  path: string;
  scope: string;
}

/** The routes of the running app, from what it says of itself. */
async function routes(): Promise<Route[]> {
  const { paths } = (await api.ask('/openapi.json')).body as {
    paths: Record<string, Record<string, { security: { bearer: string[] }[] }>>;
  };
  return Object.entries(paths)
    .filter(([path]) => path.startsWith('/v1/'))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { security }]) => ({
        method: method.toUpperCase(),
        path: path.replace('{id}', '00000000-0000-4000-8000-000000000000'),
        scope: security[0]?.bearer[0] ?? '',
      })),
    );
}

describe('a key', () => {
  it('is shown once, does what its scopes allow under its owner, and is nowhere in the ledger', async () => {
    const { id, key } = await makeKey();
    expect(key.startsWith(`kops_${id}_`)).toBe(true);
    const made = await api.ask('/v1/transfers', { body: wish, token: key });
    expect(made.status).toBe(202);
    const events = await api.ask(`/v1/transfers/${String(made.body.id)}/events`, { token: key });
    expect(events.body.items).toMatchObject([{ actor: 'till' }]);

    const listed = await api.ask('/v1/api-keys');
    expect(listed.body.items).toMatchObject([{ id, owner: 'till', createdBy: 'admin', lastUsedAt: expect.any(String) }]);
    expect(listed.text).not.toContain(key.slice(16));
    const stored = JSON.stringify(await api.ledger.db.selectFrom('kpay.api_keys').selectAll().execute());
    expect(stored).not.toContain(key.slice(16));
    expect(api.logged()).not.toContain(key.slice(16));
  });

  it('has idempotency keys of its own', async () => {
    const { key } = await makeKey();
    const { externalId: _, ...body } = wish;
    const headers = { 'idempotency-key': 'one' };
    const first = await api.ask('/v1/transfers', { body, headers });
    const other = await api.ask('/v1/transfers', { body, headers, token: key });
    expect(other.headers.get('idempotency-replayed')).toBeNull();
    expect(other.body.id).not.toBe(first.body.id);
  });

  it('is refused from the moment it is revoked, and others go on', async () => {
    const { id, key } = await makeKey();
    const other = await makeKey({ name: 'another' });
    expect((await api.ask(`/v1/api-keys/${id}`, { method: 'DELETE' })).body).toMatchObject({ revokedBy: 'admin' });
    const refused = await api.ask('/v1/transfers', { token: key });
    expect([refused.status, refused.body.detail]).toEqual([401, 'The key was revoked.']);
    expect((await api.ask('/v1/transfers', { token: other.key })).status).toBe(200);
  });

  it('is refused once it has expired', async () => {
    const { key } = await makeKey({ expiresAt: new Date(Date.now() - 1_000).toISOString() });
    const refused = await api.ask('/v1/transfers', { token: key });
    expect([refused.status, refused.body.detail]).toEqual([401, 'The key has expired.']);
  });

  it('works from its addresses only', async () => {
    const near = await makeKey({ addressRanges: ['10.0.0.0/8', '127.0.0.1'] });
    const far = await makeKey({ addressRanges: ['10.0.0.0/8', '2001:db8::/32'] });
    expect((await api.ask('/v1/transfers', { token: near.key })).status).toBe(200);
    expect((await api.ask('/v1/transfers', { token: far.key })).status).toBe(401);
  });

  it.each([
    ['a character was lost', (key: string) => key.slice(0, -1)],
    ['a character was mistyped', (key: string) => key.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'))],
    ['another key has its id', (key: string) => makeApiKey().key.replace(/^kops_[^_]+/, key.slice(0, 15))],
    ['it is one that nobody made', () => makeApiKey().key],
  ])('is unknown when %s', async (_what, change) => {
    const { key } = await makeKey();
    expect((await api.ask('/v1/transfers', { token: change(key) })).status).toBe(401);
  });

  it('cannot make a key that may do more than itself', async () => {
    const { key } = await makeKey({ scopes: ['keys', 'read'] });
    const more = await api.ask('/v1/api-keys', { body: { ...wanted, scopes: ['read', 'control'] }, token: key });
    expect([more.status, more.body.code]).toEqual([403, 'forbidden']);
    expect(more.body.detail).toContain('control');
    await makeKey({ scopes: ['read'] }, key);
  });

  it.each([
    ['/name', { name: '' }],
    ['/owner', { owner: 'admin' }],
    ['/owner', { owner: 'No Body' }],
    ['/scopes', { scopes: [] }],
    ['/scopes/0', { scopes: ['everything'] }],
    ['/addressRanges/0', { addressRanges: ['10.0.0.0/33'] }],
    ['/addressRanges/0', { addressRanges: ['example.org'] }],
    ['/expiresAt', { expiresAt: 'tomorrow' }],
  ])('is not made with a wrong %s', async (pointer, changes) => {
    const answer = await api.ask('/v1/api-keys', { body: { ...wanted, ...changes } });
    expect([answer.status, answer.body.pointer]).toEqual([400, pointer]);
  });
});

describe('every route of the running app', () => {
  it('is 401 without a key, and 403 with one that has every other scope, before anything else is looked at', async () => {
    const all = await routes();
    expect(all.length).toBeGreaterThan(15);
    for (const { method, path, scope } of all) {
      expect(scopes).toContain(scope);
      const options = { method, ...(method === 'POST' && { body: '{"broken' }) };
      expect((await api.ask(path, { ...options, token: null })).status, `${method} ${path}`).toBe(401);
      const { key } = await makeKey({ scopes: scopes.filter((one) => one !== scope) });
      const refused = await api.ask(path, { ...options, token: key });
      expect([refused.status, refused.body.code], `${method} ${path}`).toEqual([403, 'forbidden']);
      expect(refused.headers.get('www-authenticate')).toContain(`scope="${scope}"`);
      const allowed = await makeKey({ scopes: [scope] });
      expect([401, 403], `${method} ${path}`).not.toContain((await api.ask(path, { ...options, token: allowed.key })).status);
    }
  });
});

it('a key tells by itself that it is one', () => {
  for (let n = 0; n < 100; n += 1) {
    const { id, key } = makeApiKey();
    expect(idOfApiKey(key)).toBe(id);
    expect(idOfApiKey(`${key}0`)).toBeUndefined();
  }
});

it.each([
  ['10.0.0.0/8', true],
  ['192.168.1.7', true],
  ['2001:db8::/32', true],
  ['::1', true],
  ['10.0.0.0/', false],
  ['10.0.0.0/-1', false],
  ['10.0.0/8', false],
  ['', false],
])('address range %j: %s', (range, good) => {
  expect(isAddressRange(range)).toBe(good);
});
