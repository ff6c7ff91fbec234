import { createSecretKey } from 'node:crypto';
import { SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { connect, openSimulator } from '../../test/client.ts';
import { simulatorApplicationId } from '../index.ts';

const start = 1_800_000_000_000;

describe('the transfer is answered 401, and moves nothing,', () => {
  const inAnHour = Math.floor(Date.now() / 1000) + 3600;
  const unsigned = new UnsecuredJWT({}).setSubject(simulatorApplicationId).setExpirationTime(inAnHour).encode();
  it.each([
    ['without a token', undefined],
    ['with another scheme', 'Basic abc'],
    ['with garbage', 'Bearer abc.def.ghi'],
    ['with alg none', `Bearer ${unsigned}`],
  ])('%s', async (_title, authorization) => {
    const { client, control } = await openSimulator();
    const body = { applicationId: simulatorApplicationId, sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 500 };
    const reply = await client.post('/api/wallets/transfer', body, authorization === undefined ? {} : { authorization });
    expect(reply).toMatchObject({ status: 401, body: { statusCode: 401, error: 'Unauthorized' } });
    expect(control.truth().transferCount).toBe(0);
  });

  it('with a token that somebody else signed', async () => {
    const { client } = await openSimulator();
    const forged = await new SignJWT({ environment: 'TEST', generation: 0 })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(simulatorApplicationId)
      .setExpirationTime(inAnHour)
      .sign(createSecretKey(Buffer.from('another secret that is long enough to sign')));
    expect((await client.transfer({}, forged)).status).toBe(401);
  });

  it('with the token of an application that is not known here', async () => {
    const elsewhere = await openSimulator({ applications: [{ apiKey: 'kpay_test_elsewhere', secretKey: 's' }] });
    const keys = { 'x-api-key': 'kpay_test_elsewhere', 'x-secret-key': 's' };
    const { body } = await elsewhere.client.post('/api/v1/payments/token', {}, keys);
    const { client } = await openSimulator();
    expect((await client.transfer({}, (body as { accessToken: string }).accessToken)).status).toBe(401);
  });

  it('with a token that was revoked', async () => {
    const { client, control } = await openSimulator();
    const token = await client.token();
    control.revokeTokens();
    expect((await client.transfer({}, token)).status).toBe(401);
    expect((await client.transfer({}, await client.token())).status).toBe(201);
  });
});

it('rotated keys are the application; old keys and tokens had with them are 401', async () => {
  const { url, client, control } = await openSimulator();
  const token = await client.token();
  control.rotateKeys({ apiKey: 'kpay_test_new', secretKey: 'new' });
  expect((await client.transfer({}, token)).status).toBe(401);
  expect((await client.get('/api/v1/payments/me')).status).toBe(401);
  const renewed = connect(url, 'kpay_test_new', 'new');
  expect((await renewed.get('/api/v1/payments/me')).body).toMatchObject({ application: { id: simulatorApplicationId } });
  expect((await renewed.transfer()).status).toBe(201);
  control.reset();
  expect((await client.transfer()).status).toBe(201);
});

it('the API keys alone do not open the transfer', async () => {
  const { client } = await openSimulator();
  expect((await client.post('/api/wallets/transfer', {})).status).toBe(401);
});

it("one application's token does not move another's money: 403", async () => {
  const { client } = await openSimulator({ applications: [{ apiKey: 'kpay_test_other', secretKey: 's' }] });
  const { body } = await client.post('/api/v1/payments/token', {}, { 'x-api-key': 'kpay_test_other', 'x-secret-key': 's' });
  expect((await client.transfer({}, (body as { accessToken: string }).accessToken)).status).toBe(403);
});

it.each([
  [1, 30 * 60_000],
  [20, 90_000],
])('at a time scale of %i a token lives for %i ms', async (timeScale, lifetimeMs) => {
  let now = start;
  const { client } = await openSimulator({ timeScale, now: () => now });
  const token = await client.token();
  now = start + lifetimeMs - 1;
  expect((await client.transfer({}, token)).status).toBe(201);
  now = start + lifetimeMs;
  expect((await client.transfer({}, token)).status).toBe(401);
});

it('the token is HS256 and carries the environment and exactly thirty minutes', async () => {
  const { client } = await openSimulator();
  const [head = '', payload = ''] = (await client.token()).split('.');
  const decode = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
  expect(decode(head)).toEqual({ alg: 'HS256', typ: 'JWT' });
  const claims = decode(payload) as { iat: number; exp: number };
  expect(claims).toMatchObject({ environment: 'TEST', sub: simulatorApplicationId });
  expect(claims.exp - claims.iat).toBe(1800);
});
