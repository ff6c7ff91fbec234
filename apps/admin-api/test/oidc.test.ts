import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOidc } from '../src/auth/oidc.ts';
import { type RunningApi, startApi } from './running-api.ts';
import { openTestLedger } from './test-ledger.ts';
import { audience, startIssuer, type TokenIssuer } from './token-issuer.ts';

const scopes = [
  { claimed: 'treasury.read', scope: 'read' },
  { claimed: 'treasury.pay', scope: 'transfers:create' },
  { claimed: 'treasury.pay', scope: 'read' },
];
const request = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
const nowS = () => Math.floor(Date.now() / 1_000);

let issuer: TokenIssuer;
let api: RunningApi;
beforeAll(async () => {
  issuer = await startIssuer();
  const oidc = { issuer: issuer.issuer, audience, scopesClaim: 'scope', scopes, keysCooldownMs: 0 };
  api = await startApi(await openTestLedger(), [], { oidc });
}, 60_000);
afterAll(async () => {
  await api.close();
  await issuer.close();
});

const read = async (token: string) => api.ask('/v1/transfers', { token });

describe('a token of the issuer', () => {
  it('allows what its claim is mapped to, and its owner is the issuer and the subject', async () => {
    const token = await issuer.token({ scope: 'openid treasury.pay' });
    const made = await api.ask('/v1/transfers', { body: request, token });
    expect(made.status).toBe(202);
    const events = await api.ask(`/v1/transfers/${String(made.body.id)}/events`, { token });
    expect(events.body.items).toMatchObject([{ actor: `${issuer.issuer}#ann` }]);
    expect((await read(await issuer.token())).status).toBe(200);
    const refused = await api.ask('/v1/transfers', { body: request, token: await issuer.token() });
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden']);
    expect((await read(await issuer.token({ scope: 'read transfers:create' }))).status).toBe(403);
  });

  it('may say what it allows in a list', async () => {
    expect((await read(await issuer.token({ scope: ['treasury.read'] }))).status).toBe(200);
    expect((await read(await issuer.token({ scope: { treasury: 'read' } }))).status).toBe(403);
    expect((await read(await issuer.token({ scope: [['treasury.read']] }))).status).toBe(403);
  });

  it('may be of a clock half a minute away, and no further', async () => {
    expect((await read(await issuer.token({ exp: nowS() - 20 }))).status).toBe(200);
    expect((await read(await issuer.token({ nbf: nowS() + 20 }))).status).toBe(200);
    expect((await read(await issuer.token({ exp: nowS() - 40 }))).body.detail).toBe('The token has expired.');
    expect((await read(await issuer.token({ nbf: nowS() + 60 }))).status).toBe(401);
  });

  it('is judged with keys that are fetched once, and again when they were rotated', async () => {
    const old = await issuer.token();
    await read(old);
    const before = issuer.fetched();
    for (let n = 0; n < 5; n += 1) await read(await issuer.token());
    expect(issuer.fetched()).toBe(before);
    await issuer.rotate();
    expect((await read(await issuer.token())).status).toBe(200);
    expect(issuer.fetched()).toBe(before + 1);
    const refused = await read(old);
    expect([refused.status, refused.body.detail]).toEqual([401, 'The token is not signed by a key of the issuer.']);
  });
});

describe('a token is refused with 401', () => {
  const refused: [what: string, make: () => Promise<string>][] = [
    ['of another issuer', () => issuer.token({ iss: 'https://elsewhere.example' })],
    ['for another audience', () => issuer.token({ aud: 'https://shop.example' })],
    ['for no audience', () => issuer.token({ aud: undefined })],
    ['that never expires', () => issuer.token({ exp: undefined })],
    ['of nobody', () => issuer.token({ sub: '' })],
    ['of a subject that is a list', () => issuer.token({ sub: ['ann'] })],
    ['that ends in millions of years', () => issuer.token({ exp: 1e18 })],
    ['bound to a key of its sender', () => issuer.token({ cnf: { jkt: 'x' } })],
    ['for a logout', () => issuer.token({}, { typ: 'logout+jwt' })],
    ['of a subject that is too long', () => issuer.token({ sub: 'x'.repeat(256) })],
    ['signed by somebody else', async () => issuer.token({}, { signedBy: (await generateKeyPair('ES256')).privateKey })],
    [
      'without a signature (alg none)',
      async () =>
        new UnsecuredJWT({ scope: 'treasury.pay' })
          .setIssuer(issuer.issuer)
          .setAudience(audience)
          .setSubject('ann')
          .setExpirationTime('1m')
          .encode(),
    ],
    [
      'signed with what the issuer publishes as a shared secret (HS256)',
      async () => {
        const published = await (await fetch(issuer.jwksUrl)).text();
        return new SignJWT({ scope: 'treasury.pay' })
          .setProtectedHeader({ alg: 'HS256', kid: '1' })
          .setIssuer(issuer.issuer)
          .setAudience(audience)
          .setSubject('ann')
          .setExpirationTime('1m')
          .sign(new TextEncoder().encode(published));
      },
    ],
    ['with a changed claim', async () => changed(await issuer.token())],
    ['with nonsense in it', async () => 'eyJ.eyJ.x'],
  ];
  it.each(refused)('%s', async (_what, make) => {
    const answer = await read(await make());
    expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated']);
    expect(answer.headers.get('www-authenticate')).toContain('invalid_token');
  });
});

function changed(token: string): string {
  const [header, claims = '', signature] = token.split('.');
  const payload = JSON.parse(Buffer.from(claims, 'base64url').toString()) as object;
  const richer = Buffer.from(JSON.stringify({ ...payload, scope: 'treasury.pay' })).toString('base64url');
  return [header, richer, signature].join('.');
}

// Last, because there is no issuer after it.
describe('while the issuer is away', () => {
  it('judges tokens of known keys, answers others 503, and takes keys of ours', async () => {
    const known = await issuer.token();
    await read(known);
    await issuer.close();
    expect((await read(known)).status).toBe(200);
    await issuer.rotate();
    const other = await read(await issuer.token());
    expect([other.status, other.body.code, other.headers.get('retry-after')]).toEqual([503, 'issuer_unavailable', '5']);
    expect((await api.ask('/v1/transfers')).status).toBe(200);
  });
});

describe('an issuer', () => {
  it('that is known by the address of its keys is not asked where they are', async () => {
    const other = await startIssuer();
    const authenticate = createOidc({ issuer: 'https://id.example', audience, jwksUrl: other.jwksUrl, scopesClaim: 'roles' });
    const caller = await authenticate(await other.token({ iss: 'https://id.example', roles: ['read', 'control', 'nonsense'] }));
    expect([...caller.scopes]).toEqual(['read', 'control']);
    await other.close();
  });

  it('whose document names another one is not believed', async () => {
    const other = await startIssuer();
    const authenticate = createOidc({ issuer: `${other.issuer}/`, audience, scopesClaim: 'scope' });
    await expect(authenticate(await other.token())).rejects.toMatchObject({ code: 'issuer_unavailable' });
    await other.close();
  });

  it('is refused with a mapping to a scope that there is not', () => {
    const mapping = [{ claimed: 'x', scope: 'everything' }];
    expect(() => createOidc({ issuer: 'https://id.example', audience, scopesClaim: 'scope', scopes: mapping })).toThrow(
      'KPAY_OIDC_SCOPES names everything: the scopes are read,',
    );
  });
});

describe('a token with the scope keys', () => {
  const keyScopes = [...scopes, { claimed: 'treasury.keys', scope: 'keys' }];
  const make = (running: RunningApi, token: string, changes: object = {}) =>
    running.ask('/v1/api-keys', { body: { name: 'a', scopes: ['read'], ...changes }, token });
  let keysIssuer: TokenIssuer;
  let bounded: RunningApi;
  let lasting: RunningApi;
  beforeAll(async () => {
    keysIssuer = await startIssuer();
    const oidc = { issuer: keysIssuer.issuer, audience, scopesClaim: 'scope', scopes: keyScopes, accountsClaim: 'accounts' };
    bounded = await startApi(await openTestLedger(), [], { oidc }, ['other']);
    lasting = await startApi(await openTestLedger(), [], { oidc: { ...oidc, keyDays: 30 } });
  }, 60_000);
  afterAll(async () => {
    await bounded.close();
    await lasting.close();
    await keysIssuer.close();
  });
  const scope = 'treasury.keys treasury.read';

  it('makes keys for its subject, within its scopes and accounts, that end with it', async () => {
    const exp = nowS() + 60;
    const token = await keysIssuer.token({ scope, accounts: ['default'], exp });
    const made = await make(bounded, token);
    const ann = `${keysIssuer.issuer}#ann`;
    const end = new Date(exp * 1_000).toISOString();
    expect([made.status, made.body]).toMatchObject([201, { owner: ann, createdBy: ann, accounts: ['default'], expiresAt: end }]);
    for (const [field, value] of Object.entries({
      owner: 'till',
      scopes: ['read', 'control'],
      accounts: ['other'],
      expiresAt: new Date((exp + 1) * 1_000).toISOString(),
    })) {
      const refused = await make(bounded, token, { [field]: value });
      expect([field, refused.status, refused.body.pointer]).toEqual([field, 403, `/${field}`]);
    }
    const { items } = (await bounded.ask('/v1/api-keys', { token })).body as { items: { id: string }[] };
    expect(items.map(({ id }) => id)).toEqual([made.body.id]);
  });

  it('makes keys that live as long as the setting says, and no longer', async () => {
    const token = await keysIssuer.token({ scope, accounts: '*' });
    const inDays = (days: number) => new Date(Date.now() + days * 24 * 60 * 60_000).toISOString();
    expect((await make(lasting, token, { expiresAt: inDays(29.9) })).status).toBe(201);
    expect((await make(lasting, token, { expiresAt: inDays(30.1) })).status).toBe(403);
    const { body } = await make(lasting, token);
    expect(String(body.expiresAt) > inDays(29.9)).toBe(true);
  });

  it('reaches the accounts of its claim, all with a star, and none without the claim', async () => {
    const accounts = async (changes: object) => {
      const { body } = await bounded.ask('/v1/accounts', { token: await keysIssuer.token({ scope, ...changes }) });
      return (body.items as { name: string }[]).map(({ name }) => name);
    };
    expect(await accounts({ accounts: 'other nowhere' })).toEqual(['other']);
    expect(await accounts({ accounts: ['other', 'default'] })).toEqual(['default', 'other']);
    expect(await accounts({ accounts: '*' })).toEqual(['default', 'other']);
    expect(await accounts({})).toEqual([]);
    expect(await accounts({ accounts: { other: true } })).toEqual([]);
    const none = await make(bounded, await keysIssuer.token({ scope }));
    expect([none.status, none.body.pointer]).toEqual([403, '/accounts']);
  });
});
