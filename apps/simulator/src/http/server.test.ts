import { describe, expect, it } from 'vitest';
import { openSimulator } from '../../test/client.ts';
import { simulatorApplicationId } from '../index.ts';
import { countries } from '../model/catalogue.ts';

const companyId = 'c0a8e1d4-92b6-4f0e-8d3b-7a41f2c69e55';

describe('the six utilities answer as documented', () => {
  it('me', async () => {
    const { client } = await openSimulator();
    expect(await client.get('/api/v1/payments/me')).toMatchObject({
      status: 200,
      body: {
        application: { id: simulatorApplicationId, name: 'Simulator application' },
        company: { id: companyId, name: 'Simulator company' },
        environment: 'TEST',
      },
    });
  });

  it('token', async () => {
    const { client } = await openSimulator();
    const { status, body } = await client.post('/api/v1/payments/token', {});
    expect(status).toBe(201);
    expect(body).toEqual({ accessToken: expect.stringMatching(/^ey/), expiresIn: '30m', environment: 'TEST' });
  });

  it.each([
    ['XAF', 'XOF', 1.0153],
    ['XAF', 'XAF', 1],
    ['XOF', 'XOF', 1],
    ['USD', 'NGN', 1445],
  ])('exchange rate %s → %s', async (from, to, rate) => {
    const { client } = await openSimulator();
    expect(await client.get(`/api/v1/payments/exchange-rate?from=${from}&to=${to}`)).toMatchObject({
      status: 200,
      body: { from, to, rate },
    });
  });

  it('predict-provider', async () => {
    const { client } = await openSimulator();
    expect(await client.post('/api/v1/payments/predict-provider', { phoneNumber: '237653456789' })).toMatchObject({
      status: 201,
      body: { country: 'CMR', provider: 'MTN_MOMO_CMR', phoneNumber: '237653456789' },
    });
  });

  it('availability names every provider of every country, with three operations', async () => {
    const { client } = await openSimulator();
    const { status, body } = await client.get('/api/v1/payments/availability');
    expect(status).toBe(200);
    expect(body).toEqual(
      countries.map(({ code, operators }) => ({
        country: code,
        providers: operators.map(({ provider }) => ({
          provider,
          operationTypes: ['DEPOSIT', 'PAYOUT', 'REMITTANCE'].map((operationType) => ({
            operationType,
            status: expect.stringMatching(/^(OPERATIONAL|DELAYED|CLOSED)$/),
          })),
        })),
      })),
    );
  });

  it('balance sums the countries of a currency and subtracts what is reserved', async () => {
    const { client, control } = await openSimulator();
    control.setBalance({ country: 'CMR', balance: 150_000, reservedBalance: '25000' });
    control.setBalance({ country: 'COD', currency: 'USD', balance: '12.34' });
    const { body } = await client.get('/api/v1/payments/balance');
    expect(body).toContainEqual({ currency: 'XAF', balance: 20_150_000, reservedBalance: 25_000, availableBalance: 20_125_000 });
    expect(body).toContainEqual({ currency: 'USD', balance: 12.34, reservedBalance: 0, availableBalance: 12.34 });
    expect((body as { currency: string }[]).filter(({ currency }) => currency === 'XAF')).toHaveLength(1);
  });
});

describe('a transfer', () => {
  it('CMR→SEN 100,000 XAF at 1.0153 credits 101,530 XOF, with both legs and no fee', async () => {
    const { client, control } = await openSimulator();
    const { status, body } = await client.transfer({
      destinationCountry: 'SEN',
      amount: 100_000,
      externalId: 'order-1',
      description: 'float',
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(String),
      sourceTransaction: {
        id: expect.any(String),
        reference: expect.any(String),
        type: 'WALLET_TRANSFER_OUT',
        amount: 100_000,
        currency: 'XAF',
        country: 'CMR',
      },
      destinationTransaction: {
        id: expect.any(String),
        reference: expect.any(String),
        type: 'WALLET_TRANSFER_IN',
        amount: 101_530,
        currency: 'XOF',
        country: 'SEN',
      },
      exchangeRate: 1.0153,
      description: 'float',
      externalId: 'order-1',
      createdAt: expect.stringMatching(/Z$/),
    });
    const { wallets, transfers, money } = control.truth();
    expect(wallets).toContainEqual(expect.objectContaining({ country: 'CMR', balance: '9900000' }));
    expect(wallets).toContainEqual(expect.objectContaining({ country: 'SEN', balance: '10101530' }));
    expect(transfers).toEqual([expect.objectContaining({ externalId: 'order-1', amount: '100000', amountSent: 100_000 })]);
    expect(money).toEqual({ conserved: true, problems: [] });
  });

  it('within a zone the rate is 1 and the total of the currency stays as it was', async () => {
    const { client } = await openSimulator();
    const before = await client.get('/api/v1/payments/balance');
    expect(await client.transfer()).toMatchObject({
      status: 201,
      body: { exchangeRate: 1, destinationTransaction: { amount: 50_000 } },
    });
    expect((await client.get('/api/v1/payments/balance')).body).toEqual(before.body);
  });

  it.each([
    ['same country', { destinationCountry: 'CMR' }, 400],
    ['amount below 100', { amount: 99 }, 400],
    ['amount above 10,000,000', { amount: 10_000_001 }, 400],
    ['amount zero', { amount: 0 }, 400],
    ['amount negative', { amount: -100 }, 400],
    ['amount as a string', { amount: '50000' }, 400],
    ['amount null', { amount: null }, 400],
    ['amount finer than its currency', { amount: 50_000.5 }, 400],
    ['applicationId missing', { applicationId: undefined }, 400],
    ['source country missing', { sourceCountry: undefined }, 400],
    ['destination country missing', { destinationCountry: undefined }, 400],
    ['externalId not a string', { externalId: 7 }, 400],
    ['description not a string', { description: {} }, 400],
    ["the company's id for the application's", { applicationId: companyId }, 403],
    ["another application's id", { applicationId: '00000000-0000-4000-8000-000000000000' }, 403],
    ['no wallet in the source country', { sourceCountry: 'GHA' }, 404],
    ['no wallet in the destination country', { destinationCountry: 'NGA' }, 404],
    ['insufficient funds', { sourceCountry: 'COD', amount: 10_000_000, destinationCountry: 'KEN' }, 422],
  ])('%s: %o is answered %i in the envelope, and nothing moves', async (_title, fields, status) => {
    const { client, control } = await openSimulator();
    control.setBalance({ country: 'COD', currency: 'CDF', balance: 9_999_999.99 });
    const reply = await client.transfer(fields);
    expect(reply.body).toEqual({
      statusCode: status,
      message: expect.toSatisfy((message) => typeof message === 'string' || Array.isArray(message)),
      error: expect.any(String),
    });
    expect(reply.status).toBe(status);
    expect(control.truth()).toMatchObject({ transferCount: 0, money: { conserved: true } });
  });

  it.each([100, 10_000_000])('the bound %i itself is allowed', async (amount) => {
    const { client } = await openSimulator();
    expect((await client.transfer({ amount })).status).toBe(201);
  });

  it('an unknown property is named, together with every other fault of the body', async () => {
    const { client } = await openSimulator();
    expect((await client.transfer({ currency: 'XAF', amount: 'many' })).body).toMatchObject({
      statusCode: 400,
      message: ['property currency should not exist', 'amount must be a number conforming to the specified constraints'],
    });
  });

  it('what is reserved cannot be sent', async () => {
    const { client, control } = await openSimulator();
    control.setBalance({ country: 'CMR', balance: 150_000, reservedBalance: 25_000 });
    expect((await client.transfer({ amount: 125_001 })).status).toBe(422);
    expect((await client.transfer({ amount: 125_000 })).status).toBe(201);
  });

  it('an active transfer holds its externalId, whatever the body; FAILED frees it', async () => {
    const { client, control } = await openSimulator();
    expect((await client.transfer({ externalId: 'a' })).status).toBe(201);
    expect((await client.transfer({ externalId: 'a' })).status).toBe(409);
    expect((await client.transfer({ externalId: 'a', amount: 700, destinationCountry: 'COG' })).status).toBe(409);
    control.undoTransfer({ id: control.truth().transfers[0]?.id ?? '', status: 'FAILED' });
    expect(control.truth().wallets).toContainEqual(expect.objectContaining({ country: 'CMR', balance: '10000000' }));
    expect((await client.transfer({ externalId: 'a' })).status).toBe(201);
    expect(control.truth()).toMatchObject({ transferCount: 2, money: { conserved: true } });
  });

  it('an externalId that was refused with 422 is free when no fault burns it', async () => {
    const { client, control } = await openSimulator();
    control.setBalance({ country: 'CMR', balance: 0 });
    expect((await client.transfer({ externalId: 'a' })).status).toBe(422);
    control.setBalance({ country: 'CMR', balance: 50_000 });
    expect((await client.transfer({ externalId: 'a' })).status).toBe(201);
  });

  it('without an externalId the same body twice is two transfers', async () => {
    const { client, control } = await openSimulator();
    await client.transfer();
    await client.transfer();
    expect(control.truth().transferCount).toBe(2);
  });

  it('a hundred at once with one externalId move money once', async () => {
    const { client, control } = await openSimulator({ limit: 1000 });
    const token = await client.token();
    const replies = await Promise.all(Array.from({ length: 100 }, () => client.transfer({ externalId: 'once' }, token)));
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(replies.filter(({ status }) => status === 409)).toHaveLength(99);
    expect(control.truth()).toMatchObject({ transferCount: 1, money: { conserved: true } });
  });
});

describe('documented refusals of the utilities', () => {
  const utilities = ['me', 'exchange-rate?from=XAF&to=XOF', 'availability', 'balance'];
  const wrong = [
    ['no keys', {}],
    ['an unknown key', { 'x-api-key': 'kpay_test_unknown', 'x-secret-key': 'simulator-secret' }],
    ['a wrong secret', { 'x-api-key': 'kpay_test_simulator', 'x-secret-key': 'wrong' }],
    ['the key alone', { 'x-api-key': 'kpay_test_simulator' }],
  ] as const;

  it.each(wrong)('%s: 401 in the envelope, everywhere', async (_title, headers) => {
    const { client } = await openSimulator();
    const replies = [
      ...(await Promise.all(utilities.map((name) => client.get(`/api/v1/payments/${name}`, headers)))),
      await client.post('/api/v1/payments/token', {}, headers),
      await client.post('/api/v1/payments/predict-provider', { phoneNumber: '237653456789' }, headers),
    ];
    for (const { status, body } of replies) {
      expect(status).toBe(401);
      expect(body).toEqual({ statusCode: 401, message: 'Invalid API keys', error: 'Unauthorized' });
    }
  });

  it.each([
    ['GET', '/api/v1/payments/exchange-rate', 400],
    ['GET', '/api/v1/payments/exchange-rate?from=XAF', 400],
    ['GET', '/api/v1/payments/exchange-rate?from=XAF&to=nothing', 400],
    ['GET', '/api/v1/payments/exchange-rate?from=XAF&to=ZZZ', 400],
    ['GET', '/api/v1/payments/nothing', 404],
    ['GET', '/api/v1/payments/token', 404],
    ['GET', '/', 404],
  ])('%s %s is answered %i in the envelope', async (_method, path, status) => {
    const { client } = await openSimulator();
    const reply = await client.get(path);
    expect(reply.status).toBe(status);
    expect(reply.body).toMatchObject({ statusCode: status, message: expect.anything(), error: expect.any(String) });
  });

  it.each([
    [{ phoneNumber: '237670000002' }],
    [{ phoneNumber: 237653456789 }],
    [{}],
    [{ phoneNumber: '237653456789', country: 'CMR' }],
  ])('predict-provider %o is 400', async (body) => {
    const { client } = await openSimulator();
    expect(await client.post('/api/v1/payments/predict-provider', body)).toMatchObject({
      status: 400,
      body: { statusCode: 400 },
    });
  });

  it('malformed JSON is 400, a body not called JSON is empty, one too large is 413', async () => {
    const { client } = await openSimulator();
    const path = '/api/wallets/transfer';
    const headers = { authorization: `Bearer ${await client.token()}` };
    expect(await client.post(path, '{"amount":', headers)).toMatchObject({ status: 400, body: { statusCode: 400 } });
    expect(await client.post(path, '{"amount":500}', { ...headers, 'content-type': 'text/plain' })).toMatchObject({
      status: 400,
      body: { message: expect.arrayContaining(['applicationId should not be empty']) },
    });
    expect((await client.post(path, { description: 'x'.repeat(70_000) }, headers)).status).toBe(413);
    expect((await client.post(path, 'null', headers)).status).toBe(400);
    expect((await client.post(path, '{"amount":1e309}', headers)).status).toBe(400);
  });
});

it.each([1, 20])('at a time scale of %i shows rates for an hour, availability for a minute', async (timeScale) => {
  let now = 1_800_000_000_000;
  const { client, control } = await openSimulator({ timeScale, now: () => now });
  const rate = async () => ((await client.get('/api/v1/payments/exchange-rate?from=XAF&to=XOF')).body as { rate: number }).rate;
  const closed = async () => (await client.get('/api/v1/payments/availability')).text.includes('"CLOSED_FOR_TEST"');

  expect([await rate(), await closed()]).toEqual([1.0153, false]);
  control.setRate({ from: 'XAF', to: 'XOF', rate: 1.02, keepCache: true });
  const status = { country: 'GAB', provider: 'AIRTEL_GAB', operationType: 'PAYOUT', status: 'CLOSED_FOR_TEST' };
  control.setAvailability({ ...status, keepCache: true });
  now += 60_000 / timeScale - 1;
  expect([await rate(), await closed()]).toEqual([1.0153, false]);
  expect((await client.transfer({ destinationCountry: 'SEN' })).body).toMatchObject({ exchangeRate: 1.02 });
  now += 1;
  expect([await rate(), await closed()]).toEqual([1.0153, true]);
  now += 3_540_000 / timeScale;
  expect([await rate(), await closed()]).toEqual([1.02, true]);

  control.setRate({ from: 'XAF', to: 'XOF', rate: 1.03 });
  expect(await rate()).toBe(1.03);
  control.setCaching(false);
  control.setRate({ from: 'XAF', to: 'XOF', rate: 1.04, keepCache: true });
  expect(await rate()).toBe(1.04);
});

it('a second application has keys, ids, wallets and an environment of its own', async () => {
  const live = { apiKey: 'kpay_live_abc', secretKey: 'f'.repeat(64), wallets: [{ country: 'CMR', balance: 500 }] };
  const { client } = await openSimulator({ applications: [live] });
  const keys = { 'x-api-key': live.apiKey, 'x-secret-key': live.secretKey };
  expect((await client.get('/api/v1/payments/me', keys)).body).toMatchObject({ environment: 'PRODUCTION' });
  expect((await client.get('/api/v1/payments/balance', keys)).body).toEqual([
    { currency: 'XAF', balance: 500, reservedBalance: 0, availableBalance: 500 },
  ]);
  expect((await client.get('/api/v1/payments/me', { ...keys, 'x-secret-key': 'simulator-secret' })).status).toBe(401);
});

it('connections are kept alive and answers carry a date', async () => {
  const { client } = await openSimulator();
  const { headers } = await client.get('/api/v1/payments/me');
  expect(headers.get('keep-alive')).toBe('timeout=75');
  expect(Date.parse(headers.get('date') ?? '')).not.toBeNaN();
});
