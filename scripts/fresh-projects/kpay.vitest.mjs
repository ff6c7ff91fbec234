import { Kpay } from '@kpay/core';
import { startSimulator } from '@kpay/simulator';
import { afterAll, beforeAll, expect, it } from 'vitest';

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
