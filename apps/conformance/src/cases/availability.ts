import {
  type Case,
  expectEach,
  expectStatus,
  fieldAt,
  isCountryCode,
  isText,
  listOf,
  oneOf,
  outcomeOf,
  reads,
  untried,
} from '../case.ts';
import type { Kpay } from '../kpay.ts';
import { sandboxNumbers } from '../sandbox-numbers.ts';

const askAvailability = (kpay: Kpay) => kpay.ask({ method: 'GET', path: '/api/v1/payments/availability' });
const rowsOf = (json: unknown) => listOf(json);
const providersOf = (json: unknown) => rowsOf(json).flatMap((row) => listOf(fieldAt(row, 'providers')));
const operationsOf = (json: unknown) => providersOf(json).flatMap((provider) => listOf(fieldAt(provider, 'operationTypes')));

const documentedProviders = [
  ...['MTN_MOMO_BEN', 'MOOV_BEN', 'MTN_MOMO_CMR', 'ORANGE_CMR', 'MTN_MOMO_CIV', 'ORANGE_CIV', 'AIRTEL_COG', 'MTN_MOMO_COG'],
  ...['AIRTEL_RWA', 'MTN_MOMO_RWA', 'FREE_SEN', 'ORANGE_SEN', 'AIRTEL_OAPI_UGA', 'AIRTEL_GAB', 'AIRTEL_COD', 'ORANGE_COD'],
  ...['ORANGE_SLE', 'MTN_MOMO_UGA', 'AIRTEL_OAPI_ZMB', 'MTN_MOMO_ZMB', 'ZAMTEL_ZMB', 'VODACOM_MPESA_COD', 'MPESA_KEN'],
];

function expectAll(documented: readonly string[], seen: readonly unknown[]) {
  const missing = documented.filter((each) => !seen.includes(each));
  return outcomeOf(missing.length === 0, missing.length === 0 ? `all ${documented.length}` : `missing: ${missing.join(', ')}`);
}

/** Contract: "GET /api/v1/payments/availability" and the lists of "Countries, currencies, decimals". */
export const availabilityCases: readonly Case[] = [
  reads('availability.status', 'page', 'The answer is 200.', async (kpay) => expectStatus(await askAvailability(kpay), 200)),
  reads('availability.list', 'page', 'The answer is a list.', async (kpay) => {
    const { status, json } = await askAvailability(kpay);
    return outcomeOf(Array.isArray(json), Array.isArray(json) ? `a list of ${json.length}` : `status ${status}, no list`);
  }),
  reads('availability.country', 'page', 'country is an ISO 3166-1 alpha-3 code.', async (kpay) =>
    expectEach(await askAvailability(kpay), (json) => rowsOf(json).map((row) => fieldAt(row, 'country')), isCountryCode),
  ),
  reads('availability.providers', 'page', 'providers is a list.', async (kpay) =>
    expectEach(await askAvailability(kpay), (json) => rowsOf(json).map((row) => fieldAt(row, 'providers')), Array.isArray),
  ),
  reads('availability.provider', 'page', 'provider is a text.', async (kpay) =>
    expectEach(await askAvailability(kpay), (json) => providersOf(json).map((each) => fieldAt(each, 'provider')), isText),
  ),
  reads('availability.operation-types', 'page', 'operationTypes is a list.', async (kpay) =>
    expectEach(
      await askAvailability(kpay),
      (json) => providersOf(json).map((each) => fieldAt(each, 'operationTypes')),
      Array.isArray,
    ),
  ),
  reads('availability.operation-type', 'page', 'operationType is DEPOSIT, PAYOUT or REMITTANCE.', async (kpay) =>
    expectEach(
      await askAvailability(kpay),
      (json) => operationsOf(json).map((each) => fieldAt(each, 'operationType')),
      oneOf('DEPOSIT', 'PAYOUT', 'REMITTANCE'),
    ),
  ),
  reads('availability.operation-status', 'page', 'status is OPERATIONAL, DELAYED or CLOSED.', async (kpay) =>
    expectEach(
      await askAvailability(kpay),
      (json) => operationsOf(json).map((each) => fieldAt(each, 'status')),
      oneOf('OPERATIONAL', 'DELAYED', 'CLOSED'),
    ),
  ),
  untried('availability.cache', 'page', 'The list is cached for one minute.', 'no status can be changed from outside'),
  reads('catalogue.countries', 'docs', 'The twelve documented countries are listed.', async (kpay) => {
    const { json } = await askAvailability(kpay);
    return expectAll(
      Object.keys(sandboxNumbers),
      rowsOf(json).map((row) => fieldAt(row, 'country')),
    );
  }),
  reads('catalogue.providers', 'docs', 'The documented provider codes are listed.', async (kpay) => {
    const { json } = await askAvailability(kpay);
    return expectAll(
      documentedProviders,
      providersOf(json).map((each) => fieldAt(each, 'provider')),
    );
  }),
  untried(
    'catalogue.currencies',
    'docs',
    'Each country has its documented currency, COD two.',
    'nothing but a transfer shows it',
  ),
  untried('catalogue.decimals', 'docs', 'Each provider accepts its documented decimals.', 'shows in payments only'),
  untried('catalogue.orange-gab', 'docs', 'ORANGE_GAB appears in examples only.', 'its presence or absence forces nothing'),
];
