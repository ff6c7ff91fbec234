import { expect, it } from 'vitest';
import { Refusal } from './answer.ts';
import { countries } from './catalogue.ts';
import { predictProvider } from './predict-provider.ts';

const byCountry = countries.map(({ code, sandboxNumber, dialCode }) => [code, sandboxNumber, dialCode] as const);

it.each(byCountry)('%s: the sandbox number is known with plus, without, and in national form', (code, number, dialCode) => {
  const expected = expect.objectContaining({ country: code, phoneNumber: number });
  const national = number.slice(dialCode.length);
  for (const written of [number, `+${number}`, `00${number}`, national, `0${national.replace(/^0/, '')}`]) {
    expect(predictProvider(written, 'TEST')).toEqual(expected);
  }
});

it.each(['039', '049', '069', '119', '129'])('the outcome number ending %s is known too', (ending) => {
  const phoneNumber = `237653456${ending}`;
  expect(predictProvider(phoneNumber, 'TEST')).toEqual({ country: 'CMR', provider: 'MTN_MOMO_CMR', phoneNumber });
});

it.each(['237670000001', '237653456788', '123', 'not a number', '', '2376534567891234'])(
  'in sandbox %j is refused with 400',
  (written) => {
    expect(() => predictProvider(written, 'TEST')).toThrow(expect.objectContaining({ status: 400 }));
    expect(() => predictProvider(written, 'TEST')).toThrow(Refusal);
  },
);

it('in production a number that is no test number is known by its country', () => {
  expect(predictProvider('237670000001', 'PRODUCTION')).toEqual({
    country: 'CMR',
    provider: 'MTN_MOMO_CMR',
    phoneNumber: '237670000001',
  });
  expect(() => predictProvider('4915112345678', 'PRODUCTION')).toThrow(Refusal);
});
