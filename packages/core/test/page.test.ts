import { afterEach, beforeEach, expect, it } from 'vitest';
import { type RawServer, startRawServer } from './raw-server.ts';
import { createTestClient, type TestClient } from './test-client.ts';

// Every example of an answer on KPay's page "Utilities", as it stands there.
const EXAMPLES = {
  me: `{
  "application": {
    "id": "b8aefadd-88b4-561a-8a90-2f9814207bfb",
    "name": "Mon Application"
  },
  "company": {
    "id": "e7c3b4f5-8d9e-4a1b-9c2d-3e4f5a6b7c8d",
    "name": "My Startup Inc"
  },
  "environment": "TEST"
}`,
  token: `{
  "accessToken": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...",
  "expiresIn": "30m",
  "environment": "TEST"
}`,
  'exchange-rate': `{
  "from": "XAF",
  "to": "XOF",
  "rate": 1.0153
}`,
  'predict-provider': `{
  "country": "CMR",
  "provider": "MTN_MOMO_CMR",
  "phoneNumber": "237653456789"
}`,
  availability: `[
  {
    "country": "CMR",
    "providers": [
      {
        "provider": "MTN_MOMO_CMR",
        "operationTypes": [
          { "operationType": "DEPOSIT", "status": "OPERATIONAL" },
          { "operationType": "PAYOUT", "status": "OPERATIONAL" }
        ]
      },
      {
        "provider": "ORANGE_CMR",
        "operationTypes": [
          { "operationType": "DEPOSIT", "status": "OPERATIONAL" },
          { "operationType": "PAYOUT", "status": "DELAYED" }
        ]
      }
    ]
  },
  {
    "country": "GHA",
    "providers": [
      {
        "provider": "MTN_MOMO_GHA",
        "operationTypes": [
          { "operationType": "DEPOSIT", "status": "OPERATIONAL" },
          { "operationType": "PAYOUT", "status": "OPERATIONAL" }
        ]
      },
      {
        "provider": "VODAFONE_GHA",
        "operationTypes": [
          { "operationType": "DEPOSIT", "status": "OPERATIONAL" },
          { "operationType": "PAYOUT", "status": "DELAYED" }
        ]
      }
    ]
  }
]`,
  balance: `[
  {
    "currency": "XAF",
    "balance": 150000,
    "reservedBalance": 25000,
    "availableBalance": 125000
  }
]`,
} as const;

let server: RawServer;
let opened: TestClient;
/** What `predict-provider` answers in a test. */
let prediction: string;

beforeEach(async () => {
  prediction = EXAMPLES['predict-provider'];
  server = await startRawServer(({ method, path, reply }) => {
    const name = path.replace('/api/v1/payments/', '').replace(/\?.*/, '') as keyof typeof EXAMPLES;
    const text = name === 'predict-provider' ? prediction : EXAMPLES[name];
    if (text) reply(method === 'POST' ? 201 : 200, text);
    else reply(404, { statusCode: 404, message: `no example of ${path}`, error: 'Not Found' });
  });
  opened = createTestClient(server.baseUrl);
});
afterEach(async () => {
  await opened.client.close();
  await server.close();
  expect(opened.drifts).toEqual([]);
});

it('the example of me is read without drift', async () => {
  expect(await opened.client.me()).toEqual(JSON.parse(EXAMPLES.me));
});

it('the example of a token is read without drift', async () => {
  expect(await opened.client.accessToken()).toBe(JSON.parse(EXAMPLES.token).accessToken);
});

it('the example of a rate is read without drift', async () => {
  expect(await opened.client.exchangeRate('XAF', 'XOF')).toEqual({ from: 'XAF', to: 'XOF', rate: '1.0153' });
});

it('the example of an operator is read without drift', async () => {
  expect(await opened.client.predictProvider('237653456789')).toEqual({ ...JSON.parse(prediction), known: true });
});

it.each([
  ['237670000001', 'CMR', 'MTN_MOMO_CMR'],
  ['260763456789', 'ZMB', 'MTN_MOMO_ZMB'],
])('an operator of the sample number %s is read without drift', async (phoneNumber, country, provider) => {
  prediction = JSON.stringify({ country, provider, phoneNumber });
  expect(await opened.client.predictProvider(phoneNumber)).toEqual({ country, provider, phoneNumber, known: true });
});

it('the example of the availability is read without drift, GHA included', async () => {
  const rows = await opened.client.availability();
  expect(JSON.parse(JSON.stringify(rows, (key, value) => (key === 'known' ? undefined : value)))).toEqual(
    JSON.parse(EXAMPLES.availability),
  );
  expect(JSON.stringify(rows)).not.toContain('"known":false');
});

it('the example of a balance is read without drift', async () => {
  expect(JSON.parse(JSON.stringify(await opened.client.balance()))).toEqual([
    {
      currency: 'XAF',
      known: true,
      balance: { amount: '150000', currency: 'XAF' },
      reservedBalance: { amount: '25000', currency: 'XAF' },
      availableBalance: { amount: '125000', currency: 'XAF' },
    },
  ]);
});
