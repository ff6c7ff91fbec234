import { expect, it } from 'vitest';
import { connect, openSimulator } from './client.ts';

/* Every example of KPay's page of utility endpoints, asked as the page asks it and answered as the page shows it. */

const shop = {
  apiKey: 'kpay_test_xxxxxxxxxxxxxxxx',
  secretKey: 'sk_test_xxxxxxxxxxxxxxxx',
  id: 'b8aefadd-88b4-561a-8a90-2f9814207bfb',
  name: 'Mon Application',
  companyId: 'e7c3b4f5-8d9e-4a1b-9c2d-3e4f5a6b7c8d',
  companyName: 'My Startup Inc',
  wallets: [
    { country: 'CMR', balance: 150_000, reservedBalance: 25_000 },
    { country: 'GAB', balance: 0 },
  ],
};

async function openShop() {
  const simulator = await openSimulator({ applications: [shop] });
  return connect(simulator.baseUrl, shop.apiKey, shop.secretKey);
}

it('GET /me', async () => {
  const { status, body } = await (await openShop()).get('/api/v1/payments/me');
  expect(status).toBe(200);
  expect(body).toEqual({
    application: { id: 'b8aefadd-88b4-561a-8a90-2f9814207bfb', name: 'Mon Application' },
    company: { id: 'e7c3b4f5-8d9e-4a1b-9c2d-3e4f5a6b7c8d', name: 'My Startup Inc' },
    environment: 'TEST',
  });
});

it('POST /token, and the transfer of its cURL example', async () => {
  const client = await openShop();
  const { status, body } = await client.post('/api/v1/payments/token', {});
  expect(status).toBe(201);
  // An HS256 JWT: the page's begins with the same header.
  expect(body).toEqual({
    accessToken: expect.stringMatching(/^eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9\./),
    expiresIn: '30m',
    environment: 'TEST',
  });
  const transfer = await client.transfer({
    applicationId: shop.id,
    sourceCountry: 'CMR',
    destinationCountry: 'GAB',
    amount: 50_000,
  });
  expect(transfer).toMatchObject({ status: 201, body: { exchangeRate: 1, destinationTransaction: { amount: 50_000 } } });
});

it('GET /exchange-rate', async () => {
  const { status, body } = await (await openShop()).get('/api/v1/payments/exchange-rate?from=XAF&to=XOF');
  expect(status).toBe(200);
  expect(body).toEqual({ from: 'XAF', to: 'XOF', rate: 1.0153 });
});

it.each(['GHS', 'KES', 'NGN'])('the currency %s, which the page names, has rates', async (currency) => {
  const client = await openShop();
  expect((await client.get(`/api/v1/payments/exchange-rate?from=XAF&to=${currency}`)).status).toBe(200);
  expect((await client.get(`/api/v1/payments/exchange-rate?from=${currency}&to=${currency}`)).body).toMatchObject({ rate: 1 });
});

it('POST /predict-provider', async () => {
  const { status, body } = await (await openShop()).post('/api/v1/payments/predict-provider', { phoneNumber: '237653456789' });
  expect(status).toBe(201);
  expect(body).toEqual({ country: 'CMR', provider: 'MTN_MOMO_CMR', phoneNumber: '237653456789' });
});

it.each(['237670000001', '260763456789'])('the sample number %s', async (phoneNumber) => {
  const reply = await (await openShop()).post('/api/v1/payments/predict-provider', { phoneNumber });
  expect(reply).toMatchObject({ status: 201, body: { phoneNumber } });
});

it('GET /availability: both countries of the page, GHA too, with its statuses', async () => {
  const { status, body } = await (await openShop()).get('/api/v1/payments/availability');
  expect(status).toBe(200);
  const operational = [
    { operationType: 'DEPOSIT', status: 'OPERATIONAL' },
    { operationType: 'PAYOUT', status: 'OPERATIONAL' },
  ];
  const delayed = [
    { operationType: 'DEPOSIT', status: 'OPERATIONAL' },
    { operationType: 'PAYOUT', status: 'DELAYED' },
  ];
  type Row = { country: string; providers: { provider: string; operationTypes: { operationType: string }[] }[] };
  // The page's text has REMITTANCE too, its example does not.
  const shown = (body as Row[])
    .filter(({ country }) => ['CMR', 'GHA'].includes(country))
    .map((row) => ({
      ...row,
      providers: row.providers.map((each) => ({
        ...each,
        operationTypes: each.operationTypes.filter(({ operationType }) => operationType !== 'REMITTANCE'),
      })),
    }));
  expect(shown).toEqual([
    {
      country: 'CMR',
      providers: [
        { provider: 'MTN_MOMO_CMR', operationTypes: operational },
        { provider: 'ORANGE_CMR', operationTypes: delayed },
      ],
    },
    {
      country: 'GHA',
      providers: [
        { provider: 'MTN_MOMO_GHA', operationTypes: operational },
        { provider: 'VODAFONE_GHA', operationTypes: delayed },
      ],
    },
  ]);
});

it('GET /balance', async () => {
  const { status, body } = await (await openShop()).get('/api/v1/payments/balance');
  expect(status).toBe(200);
  expect(body).toEqual([{ currency: 'XAF', balance: 150_000, reservedBalance: 25_000, availableBalance: 125_000 }]);
});
