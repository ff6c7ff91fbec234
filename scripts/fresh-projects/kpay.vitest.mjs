import { Kpay } from '@kpay/core';
import { createSimulator, simulatorApiKey, simulatorSecretKey } from '@kpay/simulator';
import { afterAll, beforeAll, expect, it } from 'vitest';

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

it('Vitest moves money in a simulator of its own', async () => {
  const fields = {
    sourceCountry: 'CMR',
    destinationCountry: 'GAB',
    amount: 50_000,
    externalId: 'vitest-1',
  };
  const receipt = await kpay.transfer(fields);
  expect(receipt.externalId).toBe('vitest-1');
  await expect(kpay.transfer(fields)).rejects.toMatchObject({ status: 409 });
});
