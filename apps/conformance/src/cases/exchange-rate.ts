import { type Case, expectField, expectStatus, isNumber, isObject, outcomeOf, reads, untried } from '../case.ts';
import type { Kpay } from '../kpay.ts';

const path = '/api/v1/payments/exchange-rate';
const askRate = (kpay: Kpay, from = 'XAF', to = 'XOF') => kpay.ask({ method: 'GET', path: `${path}?from=${from}&to=${to}` });
const isRate = (value: unknown) => isNumber(value) && value > 0;

/** Contract: "GET /api/v1/payments/exchange-rate". */
export const exchangeRateCases: readonly Case[] = [
  reads('exchange-rate.status', 'page', 'The answer is 200.', async (kpay) => expectStatus(await askRate(kpay), 200)),
  reads('exchange-rate.from', 'page', 'from is the currency that was asked for.', async (kpay) =>
    expectField(await askRate(kpay), 'from', (value) => value === 'XAF'),
  ),
  reads('exchange-rate.to', 'page', 'to is the currency that was asked for.', async (kpay) =>
    expectField(await askRate(kpay), 'to', (value) => value === 'XOF'),
  ),
  reads('exchange-rate.rate', 'page', 'rate is a number above zero.', async (kpay) =>
    expectField(await askRate(kpay), 'rate', isRate),
  ),
  reads('exchange-rate.same-currency', 'page', 'Within a currency the rate is 1.', async (kpay) =>
    expectField(await askRate(kpay, 'XAF', 'XAF'), 'rate', (value) => value === 1),
  ),
  reads('exchange-rate.other-currencies', 'page', 'There are rates for currencies without a wallet: GHS and NGN.', async (kpay) =>
    expectField(await askRate(kpay, 'GHS', 'NGN'), 'rate', isRate),
  ),
  reads('exchange-rate.from-required', 'page', 'Without from it is refused with 400.', async (kpay) =>
    expectStatus(await kpay.ask({ method: 'GET', path: `${path}?to=XOF` }), 400),
  ),
  reads('exchange-rate.to-required', 'page', 'Without to it is refused with 400.', async (kpay) =>
    expectStatus(await kpay.ask({ method: 'GET', path: `${path}?from=XAF` }), 400),
  ),
  reads(
    'exchange-rate.no-quote',
    'inferred',
    'The rate comes without a time, an expiry or an id: nothing but three fields.',
    async (kpay) => {
      const { status, json } = await askRate(kpay);
      const names = isObject(json) ? Object.keys(json) : [];
      const more = names.filter((name) => !['from', 'to', 'rate'].includes(name));
      return outcomeOf(
        status === 200 && names.length > 0 && more.length === 0,
        more.length > 0 ? `also ${more.join(', ')}` : 'nothing more',
      );
    },
  ),
  untried('exchange-rate.cache', 'page', 'The rate is cached for one hour.', 'would take hours'),
  untried('exchange-rate.rounding', 'inferred', 'The rate that is shown is rounded.', 'the true rate is shown nowhere'),
];
