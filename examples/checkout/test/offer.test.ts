import { Kpay } from '@kpay/core';
import { formatAmount, parseAmount } from '@kpay/core/money';
import { type Simulator, startSimulator } from '@kpay/simulator';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { offerFor } from '../src/offer.ts';

// A KPay of each test's own, on a free port.
let simulator: Simulator;
let kpay: Kpay;

beforeEach(async () => {
  simulator = await startSimulator();
  kpay = new Kpay({ apiKey: simulator.apiKey, secretKey: simulator.secretKey, baseUrl: simulator.baseUrl });
});

afterEach(async () => {
  await kpay.close();
  await simulator.close();
});

it('offers the price in the currency of the payer', async () => {
  simulator.control.setRate({ from: 'XAF', to: 'XOF', rate: 1.5, keepCache: false });
  const offer = await offerFor(kpay, '221763456789', parseAmount('10000', 'XAF'));
  expect(offer).toMatchObject({ enabled: true, price: { currency: 'XOF' } });
  expect(formatAmount(offer.price)).toBe('15000');
});

it('turns an operator off that is closed, and not one that is slow', async () => {
  const { provider } = await kpay.predictProvider('237653456789');
  const operator = { country: 'CMR', provider, operationType: 'DEPOSIT', keepCache: false };
  simulator.control.setAvailability({ ...operator, status: 'DELAYED' });
  expect(await offerFor(kpay, '237653456789', parseAmount('10000', 'XAF'))).toMatchObject({ provider, enabled: true });
  simulator.control.setAvailability({ ...operator, status: 'CLOSED' });
  expect(await offerFor(kpay, '237653456789', parseAmount('10000', 'XAF'))).toMatchObject({ provider, enabled: false });
});
