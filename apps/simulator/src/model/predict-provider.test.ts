import { expect, it } from 'vitest';
import { Refusal } from './answer.ts';
import { countries } from './catalogue.ts';
import { predictProvider } from './predict-provider.ts';

const documented = countries
  .filter(({ currencies }) => currencies.length > 0)
  .map(({ code, dialCode, operators: [operator] }) => [code, operator?.sandboxNumbers[0] ?? '', dialCode] as const);

it.each(documented)('%s: the documented number is known with plus, without, and in national form', (code, number, dialCode) => {
  const expected = expect.objectContaining({ country: code, phoneNumber: number });
  const national = number.slice(dialCode.length);
  for (const written of [number, `+${number}`, `00${number}`, national, `0${national.replace(/^0/, '')}`]) {
    expect(predictProvider(written, 'TEST')).toEqual(expected);
  }
});

const operators = countries.flatMap(({ code, operators: all }) =>
  all.map(({ provider, sandboxNumbers }) => [provider, code, sandboxNumbers] as const),
);

it.each(operators)('%s of %s is known by all its sandbox numbers', (provider, country, sandboxNumbers) => {
  for (const phoneNumber of sandboxNumbers) {
    expect(predictProvider(`+${phoneNumber}`, 'TEST')).toEqual({ country, provider, phoneNumber });
  }
});

it('every country but GAB, KEN and SLE has two operators or more', () => {
  const alone = countries.filter((each) => each.operators.length < 2).map(({ code }) => code);
  expect(alone).toEqual(['GAB', 'KEN', 'SLE']);
});

it.each([
  ['237670000001', 'CMR', 'MTN_MOMO_CMR'],
  ['260763456789', 'ZMB', 'MTN_MOMO_ZMB'],
  ['237653456789', 'CMR', 'MTN_MOMO_CMR'],
])("%s, a number of KPay's page, is known", (phoneNumber, country, provider) => {
  expect(predictProvider(phoneNumber, 'TEST')).toEqual({ country, provider, phoneNumber });
});

it('a national number of two countries is that of the documented one', () => {
  // Also ZMB's MTN, COD's Airtel, GHA's Vodafone.
  expect(predictProvider('0763456789', 'TEST')).toMatchObject({ country: 'SEN', phoneNumber: '221763456789' });
  expect(predictProvider('973456789', 'TEST')).toMatchObject({ country: 'ZMB', phoneNumber: '260973456789' });
  expect(predictProvider('0503456789', 'TEST')).toMatchObject({ country: 'CIV', phoneNumber: '2250503456789' });
});

it.each(['039', '049', '069', '119', '129'])('the outcome number ending %s is known too', (ending) => {
  const phoneNumber = `237653456${ending}`;
  expect(predictProvider(phoneNumber, 'TEST')).toEqual({ country: 'CMR', provider: 'MTN_MOMO_CMR', phoneNumber });
});

it.each(['237670000002', '237653456788', '123', 'not a number', '', '2376534567891234'])(
  'in sandbox %j is refused with 400',
  (written) => {
    expect(() => predictProvider(written, 'TEST')).toThrow(expect.objectContaining({ status: 400 }));
    expect(() => predictProvider(written, 'TEST')).toThrow(Refusal);
  },
);

it.each([
  ['237677123456', 'CMR', 'MTN_MOMO_CMR'],
  ['237699123456', 'CMR', 'ORANGE_CMR'],
  ['250788123456', 'RWA', 'MTN_MOMO_RWA'],
  ['233501234567', 'GHA', 'VODAFONE_GHA'],
])('in production %s is known by its country and its first digits', (phoneNumber, country, provider) => {
  expect(predictProvider(phoneNumber, 'PRODUCTION')).toEqual({ country, provider, phoneNumber });
});

it('in production a number of no country is refused', () => {
  expect(() => predictProvider('4915112345678', 'PRODUCTION')).toThrow(Refusal);
});
