import { type Case, expectField, expectStatus, isCountryCode, isText, reads, untried } from '../case.ts';
import type { Kpay } from '../kpay.ts';
import { pageSamples, sandboxNumbers } from '../sandbox-numbers.ts';

const path = '/api/v1/payments/predict-provider';
// The page's own example.
const askProvider = (kpay: Kpay, phoneNumber = '237653456789') => kpay.ask({ method: 'POST', path, body: { phoneNumber } });

/** Contract: "POST /api/v1/payments/predict-provider" and "Sandbox numbers". */
export const predictProviderCases: readonly Case[] = [
  reads('predict-provider.status', 'page', 'The answer is 201.', async (kpay) => expectStatus(await askProvider(kpay), 201)),
  reads('predict-provider.country', 'page', 'country is an ISO 3166-1 alpha-3 code.', async (kpay) =>
    expectField(await askProvider(kpay), 'country', isCountryCode),
  ),
  reads('predict-provider.provider', 'page', 'provider is a code such as MTN_MOMO_CMR.', async (kpay) =>
    expectField(await askProvider(kpay), 'provider', (value) => isText(value) && /^[A-Z0-9_]+$/.test(value)),
  ),
  reads('predict-provider.normalised', 'page', 'phoneNumber comes back in digits only, without a plus.', async (kpay) =>
    expectField(await askProvider(kpay, '+237653456789'), 'phoneNumber', (value) => value === '237653456789'),
  ),
  reads('predict-provider.national', 'page', 'A number in national format is recognised.', async (kpay) =>
    expectStatus(await askProvider(kpay, '653456789'), 201),
  ),
  reads('predict-provider.invalid', 'page', 'What is no number is refused with 400.', async (kpay) =>
    expectStatus(await askProvider(kpay, 'no number'), 400),
  ),
  reads('predict-provider.unknown', 'page', 'A number of no country is refused with 400.', async (kpay) =>
    expectStatus(await askProvider(kpay, '999000000000'), 400),
  ),
  reads('predict-provider.keys', 'page', 'Without keys the answer is 401.', async (kpay) =>
    expectStatus(await kpay.send({ method: 'POST', path, body: { phoneNumber: '237653456789' } }), 401),
  ),
  reads(
    'predict-provider.sandbox-only',
    'page',
    'In the sandbox only test numbers are recognised; another one is 400.',
    async (kpay) =>
      kpay.environment === 'TEST'
        ? expectStatus(await askProvider(kpay, '237670000002'), 400)
        : { kind: 'not tried', why: 'needs a test key' },
  ),
  ...Object.entries(sandboxNumbers).map(([country, number]) =>
    reads(`sandbox-number.${country}`, 'docs', `${number} is a number of ${country}.`, async (kpay) =>
      kpay.environment === 'TEST'
        ? expectField(await askProvider(kpay, number), 'country', (value) => value === country)
        : { kind: 'not tried', why: 'needs a test key' },
    ),
  ),
  ...Object.entries(pageSamples).map(([country, number]) =>
    reads(
      `sandbox-number.page-sample-${country}`,
      'page',
      `${number}, a sample of the page, is a number of ${country}.`,
      async (kpay) =>
        kpay.environment === 'TEST'
          ? expectField(await askProvider(kpay, number), 'country', (value) => value === country)
          : { kind: 'not tried', why: 'needs a test key' },
    ),
  ),
  untried('sandbox-number.endings', 'docs', 'Endings 039, 049, 069 and 119 fail, 129 stays submitted.', 'shows in payments only'),
];
