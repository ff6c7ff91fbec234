const { Kpay } = require('@kpay/core');
const { startSimulator } = require('@kpay/simulator');

let simulator;
let kpay;

beforeAll(async () => {
  simulator = await startSimulator();
  kpay = new Kpay({ apiKey: simulator.apiKey, secretKey: simulator.secretKey, baseUrl: simulator.baseUrl });
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
