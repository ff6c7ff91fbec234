import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { eventually } from '@kpay/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isAddressRange } from '../src/auth/address-ranges.ts';
import { idOfApiKey, makeApiKey } from '../src/auth/api-key.ts';
import { type RunningApi, startApi } from './running-api.ts';
import { openTestLedger } from './test-ledger.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi(await openTestLedger());
}, 60_000);
beforeEach(() => api.empty());
afterAll(() => api.close());

const request = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
const wanted = { name: 'the till', owner: 'till', scopes: ['read', 'transfers:create'] };

async function makeKey(changes: Record<string, unknown> = {}, token?: string): Promise<{ id: string; key: string }> {
  const answer = await api.ask('/v1/api-keys', { body: { ...wanted, ...changes }, ...(token !== undefined && { token }) });
  expect(answer.status, answer.text).toBe(201);
  return { id: String(answer.body.id), key: String(answer.body.key) };
}

describe('a key', () => {
  it('is shown once, allows what its scopes say, and is nowhere in the ledger', async () => {
    const { id, key } = await makeKey();
    expect(key.startsWith(`kops_${id}_`)).toBe(true);
    const made = await api.ask('/v1/transfers', { body: request, token: key });
    expect(made.status).toBe(202);
    const events = await api.ask(`/v1/transfers/${String(made.body.id)}/events`, { token: key });
    expect(events.body.items).toMatchObject([{ actor: 'till' }]);

    const listed = await api.ask('/v1/api-keys');
    expect(listed.body.items).toMatchObject([{ id, owner: 'till', createdBy: 'admin' }]);
    const used = async () => ((await api.ask('/v1/api-keys')).body.items as { lastUsedAt: string | null }[])[0]?.lastUsedAt;
    await eventually(async () => expect(await used()).toEqual(expect.any(String)));
    expect(listed.text).not.toContain(key.slice(16));
    const stored = JSON.stringify(await api.ledger.db.selectFrom('kpay.api_keys').selectAll().execute());
    expect(stored).not.toContain(key.slice(16));
    expect(api.logged()).not.toContain(key.slice(16));
  });

  it('has idempotency keys of its own', async () => {
    const { key } = await makeKey();
    const { externalId: _, ...body } = request;
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

  it('makes nothing once it is revoked between the headers and the body of a request', async () => {
    const { id, key } = await makeKey();
    const body = JSON.stringify({ ...request, externalId: 'half-sent' });
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': body.length };
    const sending = httpRequest(`${api.url}/v1/transfers`, { method: 'POST', headers });
    const answered = once(sending, 'response');
    sending.write(body.slice(0, 10));
    // Only a request that has passed authentication counts as a use of the key.
    await eventually(async () => {
      const { body: keys } = await api.ask('/v1/api-keys');
      const used = (keys.items as { id: string; lastUsedAt: string | null }[]).find((each) => each.id === id)?.lastUsedAt;
      expect(used).toEqual(expect.any(String));
    });
    await api.ask(`/v1/api-keys/${id}`, { method: 'DELETE' });
    sending.end(body.slice(10));
    const [answer] = (await answered) as [IncomingMessage];
    answer.resume();
    expect(answer.statusCode).toBe(401);
    expect((await api.ask('/v1/transfers?externalId=half-sent')).body.items).toEqual([]);
  });

  it('is refused once it has expired', async () => {
    const { key } = await makeKey({ expiresAt: new Date(Date.now() + 1_500).toISOString() });
    await eventually(async () => {
      const refused = await api.ask('/v1/transfers', { token: key });
      expect([refused.status, refused.body.detail]).toEqual([401, 'The key has expired.']);
    });
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

  it('gives what it makes its own bounds, and no more', async () => {
    const bounds = {
      accounts: ['default'],
      addressRanges: ['127.0.0.0/8'],
      spendLimits: [{ currency: 'XAF', amount: '100000', hours: 24 }],
      requestsPerMinute: 500,
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
    };
    const { id, key } = await makeKey({ ...bounds, scopes: ['keys', 'read'], mayMakeFor: ['ann'] });
    const child = await api.ask('/v1/api-keys', { body: { name: 'child', scopes: ['read'] }, token: key });
    expect(child.body).toMatchObject({ ...bounds, owner: 'till', mayMakeFor: null, createdBy: id });
    const later = new Date(Date.now() + 120_000).toISOString();
    for (const [field, value] of Object.entries({
      owner: 'bob',
      accounts: ['other'],
      addressRanges: ['10.0.0.0/8'],
      spendLimits: [{ currency: 'XAF', amount: 100_001, hours: 24 }],
      requestsPerMinute: 501,
      expiresAt: later,
    })) {
      const refused = await api.ask('/v1/api-keys', { body: { name: 'more', scopes: ['read'], [field]: value }, token: key });
      expect([field, refused.status, refused.body.pointer]).toEqual([field, 403, `/${field}`]);
    }
    await makeKey({ owner: 'ann', scopes: ['read'] }, key);
  });

  it('ends with the one that it was made by, and so do those that it made', async () => {
    const top = await makeKey({ scopes: ['keys', 'read'] });
    const middle = await makeKey({ scopes: ['keys', 'read'] }, top.key);
    const last = await makeKey({ scopes: ['read'] }, middle.key);
    const other = await makeKey();
    const { body } = await api.ask(`/v1/api-keys/${top.id}`, { method: 'DELETE' });
    expect(body.alsoRevoked).toEqual([middle.id, last.id]);
    for (const { key } of [top, middle, last]) expect((await api.ask('/v1/transfers', { token: key })).status).toBe(401);
    expect((await api.ask('/v1/transfers', { token: other.key })).status).toBe(200);
  });

  it('is the tenth in its line at most: each use looks at all of them', async () => {
    let { key } = await makeKey({ scopes: ['keys'] });
    for (let n = 2; n <= 10; n += 1) ({ key } = await makeKey({ scopes: ['keys'] }, key));
    const refused = await api.ask('/v1/api-keys', { body: { name: 'a', scopes: ['keys'] }, token: key });
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden']);
    expect((await api.ask('/v1/api-keys', { token: key })).status).toBe(200);
  });

  it('is refused with a maker that ended in another way than by this API', async () => {
    const top = await makeKey({ scopes: ['keys', 'read'] });
    const middle = await makeKey({ scopes: ['keys', 'read'] }, top.key);
    const last = await makeKey({ scopes: ['read'] }, middle.key);
    // As a version without key trees would have revoked it.
    await api.ledger.db.updateTable('kpay.api_keys').set({ revoked_at: new Date() }).where('id', '=', top.id).execute();
    for (const { key } of [middle, last]) {
      const { status, body } = await api.ask('/v1/transfers', { token: key });
      expect([status, body.detail]).toEqual([401, 'A key that this one was made by has ended.']);
    }
  });

  it('sees and ends the keys of its owner and of owners it makes keys for, no others', async () => {
    const { key } = await makeKey({ scopes: ['keys'], mayMakeFor: ['ann'] });
    const ann = await makeKey({ owner: 'ann' });
    const bob = await makeKey({ owner: 'bob' });
    const { items } = (await api.ask('/v1/api-keys', { token: key })).body as { items: { owner: string }[] };
    expect(new Set(items.map(({ owner }) => owner))).toEqual(new Set(['till', 'ann']));
    const end = (id: string) => api.ask(`/v1/api-keys/${id}`, { method: 'DELETE', token: key });
    const refused = await end(bob.id);
    expect([refused.status, refused.body.detail]).toEqual([404, (await end('0123456789')).body.detail]);
    expect((await api.ask('/v1/transfers', { token: bob.key })).status).toBe(200);
    expect((await end(ann.id)).status).toBe(200);
  });

  it('does nothing once it is revoked between headers and body, whatever it asks', async () => {
    const made = await api.ask('/v1/transfers', { body: { ...request, externalId: 'late' } });
    for (const [path, text] of [
      ['/v1/pauses', '{"scope":"all","reason":"x"}'],
      ['/v1/api-keys', '{"name":"a","scopes":["read"]}'],
      [`/v1/transfers/${String(made.body.id)}/cancel`, '{}'],
      ['/v1/quotes', JSON.stringify({ sourceCountry: 'CMR', destinationCountry: 'SEN' })],
      ['/v1/transfers/dry-run', JSON.stringify({ ...request, externalId: 'new' })],
      // The transfer was made, but the result is not shown to a caller whose key has ended.
      ['/v1/transfers/dry-run', JSON.stringify({ ...request, externalId: 'late' })],
      ['/v1/transfers', JSON.stringify({ ...request, externalId: 'late' })],
    ] as const) {
      const { id, key } = await makeKey({ scopes: ['keys', 'read', 'control', 'transfers:create'] });
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': text.length };
      const sending = httpRequest(`${api.url}${path}`, { method: 'POST', headers });
      const answered = once(sending, 'response');
      sending.write(text.slice(0, 1));
      await eventually(async () => {
        const { items } = (await api.ask('/v1/api-keys')).body as { items: { id: string; lastUsedAt: string | null }[] };
        expect(items.find((each) => each.id === id)?.lastUsedAt).toEqual(expect.any(String));
      });
      await api.ask(`/v1/api-keys/${id}`, { method: 'DELETE' });
      sending.end(text.slice(1));
      const [answer] = (await answered) as [IncomingMessage];
      answer.resume();
      expect([path, answer.statusCode]).toEqual([path, 401]);
    }
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
    ['/spendLimits', { spendLimits: [] }],
    ['/accounts', { accounts: [] }],
    ['/accounts/0', { accounts: ['No Account'] }],
    ['/mayMakeFor', { mayMakeFor: ['ann'] }],
    ['/mayMakeFor/0', { mayMakeFor: ['No Body'], scopes: ['keys'] }],
    ['/spendLimits/0/currency', { spendLimits: [{ currency: 'xaf', amount: 5, hours: 1 }] }],
    ['/spendLimits/0/amount', { spendLimits: [{ currency: 'XAF', amount: '5.5', hours: 1 }] }],
    ['/spendLimits/0/hours', { spendLimits: [{ currency: 'XAF', amount: 5 }] }],
    ['/requestsPerMinute', { requestsPerMinute: 0 }],
  ])('is not made with a wrong %s', async (pointer, changes) => {
    const answer = await api.ask('/v1/api-keys', { body: { ...wanted, ...changes } });
    expect([answer.status, answer.body.pointer]).toEqual([400, pointer]);
  });
});

describe('a key with a spend limit', () => {
  const limited = { spendLimits: [{ currency: 'XAF', amount: '100000', hours: 24 }] };
  const order = (externalId: string, changes: Record<string, unknown> = {}) => ({ ...request, externalId, ...changes });

  it('makes as much as its limit, and then is told which limit it met', async () => {
    const { key } = await makeKey(limited);
    for (const externalId of ['a', 'b'])
      expect((await api.ask('/v1/transfers', { body: order(externalId), token: key })).status).toBe(202);
    const refused = await api.ask('/v1/transfers', { body: order('c'), token: key });
    expect([refused.status, refused.body.code, refused.body.pointer]).toEqual([403, 'spend_limit_exceeded', '/amount']);
    expect(refused.body.detail).toContain('100000 XAF in 24 hours');
    expect(refused.body.safeToRetry).toBe(true);
    // Replays are answered as before, and other keys are not affected.
    const again = await api.ask('/v1/transfers', { body: order('a'), token: key });
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, 'true']);
    const other = await makeKey({ ...limited, name: 'another' });
    expect((await api.ask('/v1/transfers', { body: order('c'), token: other.key })).status).toBe(202);
  });

  it('shares it with all that it makes: what one of them made counts for the others', async () => {
    const top = await makeKey({ ...limited, scopes: ['keys', 'transfers:create'] });
    const second = await makeKey({ scopes: ['transfers:create'] }, top.key);
    const third = await makeKey({ scopes: ['transfers:create'] }, top.key);
    expect((await api.ask('/v1/transfers', { body: order('a'), token: second.key })).status).toBe(202);
    expect((await api.ask('/v1/transfers', { body: order('b'), token: third.key })).status).toBe(202);
    for (const { key } of [top, second, third]) {
      const refused = await api.ask('/v1/transfers', { body: order('c'), token: key });
      expect([refused.status, refused.body.code]).toEqual([403, 'spend_limit_exceeded']);
    }
    // The text does not say how much the other keys created.
    const refused = await api.ask('/v1/transfers', { body: order('c'), token: third.key });
    expect(refused.body.detail).not.toContain('are made already');
  });

  it('gets back what ended without moving money', async () => {
    const { key } = await makeKey({ ...limited, scopes: ['transfers:create', 'control'] });
    const made = await api.ask('/v1/transfers', { body: order('a', { amount: 100_000 }), token: key });
    expect((await api.ask('/v1/transfers', { body: order('b'), token: key })).status).toBe(403);
    await api.ask(`/v1/transfers/${String(made.body.id)}/cancel`, { body: { reason: 'not needed' } });
    expect((await api.ask('/v1/transfers', { body: order('b'), token: key })).status).toBe(202);
  });

  it('gets nothing back for a transfer settled as failed whose receipt came later', async () => {
    const { key } = await makeKey(limited);
    const made = await api.ask('/v1/transfers', { body: order('a', { amount: 100_000 }), token: key });
    const late = { state: 'failed', kpay_transfer_id: 'wt_1', due_at: null, finished_at: new Date(), version: 2 } as const;
    await api.ledger.db.updateTable('kpay.transfers').set(late).where('id', '=', String(made.body.id)).execute();
    expect((await api.ask('/v1/transfers', { body: order('b'), token: key })).body.code).toBe('spend_limit_exceeded');
  });

  it('makes nothing in a currency that it has no limit for, nor what alone passes it', async () => {
    const { key } = await makeKey(limited);
    const kes = { sourceCountry: 'KEN', destinationCountry: 'UGA', amount: 100 };
    const refused = await api.ask('/v1/transfers', { body: order('a', kes), token: key });
    expect([refused.status, refused.body.code, refused.body.safeToRetry]).toEqual([403, 'spend_limit_exceeded', false]);
    const large = await api.ask('/v1/transfers', { body: order('b', { amount: 100_001 }), token: key });
    expect([large.status, large.body.safeToRetry]).toEqual([403, false]);
  });

  it('is shown with it', async () => {
    await makeKey({ ...limited, requestsPerMinute: 60 });
    const [shown] = (await api.ask('/v1/api-keys')).body.items as Record<string, unknown>[];
    expect(shown).toMatchObject({ ...limited, requestsPerMinute: 60 });
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
  ['127.0.0.1/32/8', false],
  ['10.0.0.0/-1', false],
  ['10.0.0/8', false],
  ['', false],
])('address range %j: %s', (range, good) => {
  expect(isAddressRange(range)).toBe(good);
});
