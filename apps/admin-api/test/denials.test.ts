import { eventually } from '@kpay/testkit';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type RunningApi, startApi } from './running-api.ts';
import { openTestLedger } from './test-ledger.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startApi(await openTestLedger(), [], {}, ['other']);
}, 60_000);
beforeEach(() => api.empty());
afterAll(() => api.close());

const request = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
const lines = () =>
  api
    .logged()
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Record<string, unknown> => JSON.parse(line));
const counted = async (name: string) => {
  const { text } = await api.ask('/metrics', { token: null });
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')[1],
  );
};
const make = async (changes: object, token?: string) => {
  const body = { name: 'the till', owner: 'till', scopes: ['read'], ...changes };
  const { body: made } = await api.ask('/v1/api-keys', { body, ...(token !== undefined && { token }) });
  return { id: String(made.id), key: String(made.key) };
};

it('counts each denial by reason, logs it with the key, and tells no token', async () => {
  const unbound = await make({});
  const limited = { spendLimits: [{ currency: 'XAF', amount: 1_000, hours: 1 }] };
  const bound = await make({ scopes: ['keys', 'read', 'transfers:create'], accounts: ['other'], ...limited });
  const far = await make({ addressRanges: ['10.0.0.0/8'] });
  const brief = await make({ expiresAt: new Date(Date.now() + 1_000).toISOString() });
  const ended = await make({});
  await api.ask(`/v1/api-keys/${ended.id}`, { method: 'DELETE' });
  const { body: theirs } = await api.ask('/v1/transfers', { body: request });
  await eventually(async () => expect((await api.ask('/v1/transfers', { token: brief.key })).status).toBe(401));
  const other = { ...request, externalId: 'order-2', account: 'other' };
  const denied: [denial: string, keyId: string | undefined, ask: () => Promise<{ status: number }>][] = [
    ['missing', undefined, () => api.ask('/v1/transfers', { token: null })],
    ['unknown', undefined, () => api.ask('/v1/transfers', { token: 'nobody-knows-this-token' })],
    ['revoked', ended.id, () => api.ask('/v1/transfers', { token: ended.key })],
    ['expired', brief.id, () => api.ask('/v1/transfers', { token: brief.key })],
    ['address', far.id, () => api.ask('/v1/transfers', { token: far.key })],
    ['scope', unbound.id, () => api.ask('/v1/transfers', { token: unbound.key, body: request })],
    ['bound', bound.id, () => api.ask('/v1/api-keys', { token: bound.key, body: { name: 'a', scopes: ['control'] } })],
    ['spend_limit', bound.id, () => api.ask('/v1/transfers', { token: bound.key, body: other })],
    ['account', bound.id, () => api.ask(`/v1/transfers/${String(theirs.id)}`, { token: bound.key })],
    ['account', bound.id, () => api.ask('/v1/balances?account=default', { token: bound.key })],
    ['account', bound.id, () => api.ask('/v1/transfers', { token: bound.key, body: request })],
  ];
  for (const [denial, keyId, ask] of denied) {
    const name = `kpay_admin_auth_total{outcome="${denial}"}`;
    const before = await counted(name);
    expect((await ask()).status).toBeGreaterThanOrEqual(400);
    expect([denial, await counted(name)]).toEqual([denial, before + 1]);
    // Denials within one second share a line.
    await eventually(() => {
      const last = lines().findLast((line) => line.denial === denial);
      expect(last).toMatchObject({ level: 'warn', ...(keyId !== undefined && { keyId }), method: expect.any(String) });
    });
  }
  for (const { key } of [unbound, bound, far, brief, ended]) expect(api.logged()).not.toContain(key.slice(16));
  expect(api.logged()).not.toContain('nobody-knows-this-token');
  // A request for something that does not exist at all is no denial.
  const before = await counted('kpay_admin_auth_total{outcome="account"}');
  await api.ask('/v1/transfers/00000000-0000-4000-8000-000000000000', { token: bound.key });
  await api.ask('/v1/balances?account=nowhere', { token: bound.key });
  expect(await counted('kpay_admin_auth_total{outcome="account"}')).toBe(before);
});

it('logs and counts keys made and revoked, and uses of the bootstrap token', async () => {
  const made = 'kpay_admin_key_changes_total{change="made"}';
  const revoked = 'kpay_admin_key_changes_total{change="revoked"}';
  const before = { made: await counted(made), revoked: await counted(revoked) };
  const top = await make({ scopes: ['keys', 'read'], accounts: ['default'] });
  const child = await make({ owner: 'till' }, top.key);
  await api.ask(`/v1/api-keys/${top.id}`, { method: 'DELETE' });
  expect([await counted(made), await counted(revoked)]).toEqual([before.made + 2, before.revoked + 2]);
  const told = lines().filter((line) => [top.id, child.id].includes(String(line.keyId)));
  expect(told).toMatchObject([
    { msg: 'a key was made', keyId: top.id, owner: 'till', scopes: ['keys', 'read'], accounts: ['default'], by: 'admin' },
    { msg: 'a key was made', keyId: child.id, by: 'till', byKeyId: top.id },
    { msg: 'a key was revoked', keyId: top.id, alsoRevoked: [child.id], by: 'admin' },
  ]);
  expect(lines()).toContainEqual(expect.objectContaining({ msg: 'the bootstrap token was used' }));
  expect(await counted('kpay_admin_auth_total{outcome="bootstrap"}')).toBeGreaterThan(0);
});

it('events name the key that did it', async () => {
  const { id, key } = await make({ scopes: ['read', 'transfers:create', 'control', 'transfers:resolve'] });
  const made = await api.ask('/v1/transfers', { body: request, token: key });
  await api.ask(`/v1/transfers/${String(made.body.id)}/cancel`, { body: {}, token: key });
  const events = await api.ask(`/v1/transfers/${String(made.body.id)}/events`);
  expect(events.body.items).toMatchObject([
    { type: 'accepted', actor: 'till', keyId: id },
    { type: 'cancelled', actor: 'till', keyId: id },
  ]);
  const limited = await make({ scopes: ['transfers:create'], spendLimits: [{ currency: 'XAF', amount: 60_000, hours: 1 }] });
  const second = await api.ask('/v1/transfers', { body: { ...request, externalId: 'order-2' }, token: limited.key });
  const admin = await api.ask('/v1/transfers', { body: { ...request, externalId: 'order-3' } });
  const keyOf = async ({ body }: typeof second) => {
    const { items } = (await api.ask(`/v1/transfers/${String(body.id)}/events`)).body as { items: { keyId: string | null }[] };
    return items[0]?.keyId;
  };
  expect([await keyOf(second), await keyOf(admin)]).toEqual([limited.id, null]);
});
