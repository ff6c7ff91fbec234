const { Kpay } = require('@kpay/core');
const { createSimulator, simulatorApiKey, simulatorSecretKey } = require('@kpay/simulator');

let simulator;
let kpay;

beforeAll(async () => {
  simulator = await createSimulator({ port: 0 });
  kpay = new Kpay({ apiKey: simulatorApiKey, secretKey: simulatorSecretKey, baseUrl: simulator.url });
});

afterAll(async () => {
  await kpay.close();
  await simulator.close();
});

test('Jest moves money in a simulator of its own', async () => {
  const fields = {
    sourceCountry: 'CMR',
    destinationCountry: 'GAB',
    amount: 50_000,
    externalId: 'jest-1',
  };
  const receipt = await kpay.transfer(fields);
  expect(receipt.externalId).toBe('jest-1');
  await expect(kpay.transfer(fields)).rejects.toMatchObject({ status: 409 });
});
