import { describe, expect, it } from 'vitest';
import { InvalidAmountError } from '../errors.ts';
import { compareRates, convert, formatAmount, moneyOf, parseAmount, parseRate, readAmount, transferBounds } from './money.ts';

describe('parseAmount', () => {
  it.each([50000, '50000', '50000.0', '50000.00', 5e4])('reads %s XAF as the same 50,000', (input) => {
    expect(parseAmount(input, 'XAF')).toEqual({ amountMinor: 50_000n, currency: 'XAF' });
  });

  it.each([
    ['1500.5', 'KES', 150_050n],
    [1500.5, 'KES', 150_050n],
    ['0.01', 'USD', 1n],
    ['1.10', 'ZMW', 110n],
    ['1000.500', 'ZMW', 100_050n],
    ['0.500', 'ZMW', 50n],
    [0.1, 'SLE', 10n],
    [Number.MAX_SAFE_INTEGER, 'XOF', 9_007_199_254_740_991n],
    ['12345678901234567890', 'UGX', 12_345_678_901_234_567_890n],
  ])('reads %s %s exactly', (input, currency, amountMinor) => {
    expect(parseAmount(input, currency)).toEqual({ amountMinor, currency });
  });

  it.each([
    0,
    -0,
    '0',
    '0.00',
    -5,
    '-5',
    '+5',
    Number.NaN,
    'NaN',
    Number.POSITIVE_INFINITY,
    'Infinity',
    Number('1e309'),
    '1e309',
    '5e4',
    1e21,
    1e-7,
    Number.MAX_SAFE_INTEGER + 1,
    '',
    ' ',
    ' 5',
    '5 ',
    '5\n',
    '1,000',
    '1 000',
    '1_000',
    '0x10',
    '0b1',
    '007',
    '.5',
    '5.',
    '1.2.3',
    '٥٠٠',
    '５０',
    '9'.repeat(41),
    50000.5,
    '50000.5',
    '50000.01',
    0.1 + 0.2,
  ])('refuses %j XAF', (input) => {
    expect(() => parseAmount(input, 'XAF')).toThrow(InvalidAmountError);
  });

  it('refuses more decimals than the currency has, and says how many it has', () => {
    expect(() => parseAmount('1.0001', 'KES')).toThrow('must have at most 2 decimals in KES');
    expect(() => parseAmount('50000.5', 'XAF')).toThrow('must be a whole number of XAF');
  });

  it.each(['500.000', '1.500', '12.345'])('refuses %j, which is 500000 to half of the world', (text) => {
    expect(() => parseAmount(text, 'XAF')).toThrow('can be read in two ways');
    expect(() => parseAmount(text, 'KES')).toThrow('can be read in two ways');
  });

  it('refuses a currency it does not know the decimals of', () => {
    expect(() => parseAmount('1', 'ABC')).toThrow(InvalidAmountError);
    expect(() => parseAmount('1', 'constructor')).toThrow(InvalidAmountError);
  });
});

describe('formatAmount', () => {
  it.each([
    [50_000n, 'XAF', '50000'],
    [0n, 'XAF', '0'],
    [150_050n, 'KES', '1500.50'],
    [5n, 'KES', '0.05'],
    [-5n, 'KES', '-0.05'],
    [-50_000n, 'XOF', '-50000'],
    [123n, 'ABC', '1.23'],
  ])('writes %s minor units of %s as %s', (amountMinor, currency, text) => {
    expect(formatAmount({ amountMinor, currency })).toBe(text);
  });

  it('is read back as what it was', () => {
    for (const currency of ['XAF', 'KES']) {
      for (let amountMinor = 1n; amountMinor < 10n ** 20n; amountMinor = amountMinor * 7n + 3n) {
        expect(parseAmount(formatAmount({ amountMinor, currency }), currency)).toEqual({ amountMinor, currency });
      }
    }
  });
});

it('readAmount never makes a balance higher than KPay shows it', () => {
  expect(readAmount('150000', 'XAF').amountMinor).toBe(150_000n);
  expect(readAmount('1.5E5', 'XAF').amountMinor).toBe(150_000n);
  expect(readAmount('150000.99', 'XAF').amountMinor).toBe(150_000n);
  expect(readAmount('-0.5', 'XAF').amountMinor).toBe(-1n);
  expect(readAmount('12.345', 'KES').amountMinor).toBe(1_234n);
});

it('transferBounds are KPay’s, in units of the source currency', () => {
  expect(transferBounds('XAF')).toEqual({
    least: { amountMinor: 100n, currency: 'XAF' },
    most: { amountMinor: 10_000_000n, currency: 'XAF' },
  });
  expect(transferBounds('KES').least.amountMinor).toBe(10_000n);
});

describe('rates', () => {
  it.each([
    [1, '1'],
    ['1.0', '1'],
    [1.0153, '1.0153'],
    ['0.00050', '0.0005'],
    [1e-7, '0.0000001'],
    ['2.5e3', '2500'],
    ['1.25e1', '12.5'],
  ])('parseRate reads %s as %s', (input, rate) => {
    expect(parseRate(input)).toBe(rate);
  });

  it.each([0, '0.000', -1, 'x', '', Number.NaN, Number.POSITIVE_INFINITY, '1e309', '1,5'])('parseRate refuses %s', (input) => {
    expect(() => parseRate(input)).toThrow(InvalidAmountError);
  });

  it('compareRates compares digits, not floats', () => {
    expect(compareRates('1.0153', '1.0153000')).toBe(0);
    expect(compareRates('0.1', '0.10000000000000000001')).toBe(-1);
    expect(compareRates('2', '1.99999999999999999999')).toBe(1);
  });

  it('convert rounds down to the smallest unit of the destination', () => {
    expect(convert({ amountMinor: 100_000n, currency: 'XAF' }, '1.0153', 'XOF')).toEqual({
      amountMinor: 101_530n,
      currency: 'XOF',
    });
    expect(convert({ amountMinor: 999n, currency: 'XAF' }, '1.0153', 'XOF').amountMinor).toBe(1_014n);
    expect(convert({ amountMinor: 100n, currency: 'XAF' }, '0.2169', 'KES').amountMinor).toBe(2_169n);
    expect(convert({ amountMinor: 12_345n, currency: 'KES' }, '4.61', 'XAF').amountMinor).toBe(569n);
  });
});

describe('as JSON and text', () => {
  it.each([
    [50_000n, 'XAF', '{"amount":"50000","currency":"XAF"}', '50000 XAF'],
    [50_000n, 'KES', '{"amount":"500.00","currency":"KES"}', '500.00 KES'],
    [-5n, 'KES', '{"amount":"-0.05","currency":"KES"}', '-0.05 KES'],
    [9_007_199_254_740_993n, 'XAF', '{"amount":"9007199254740993","currency":"XAF"}', '9007199254740993 XAF'],
  ])('%s of the smallest units of %s is %s', (amountMinor, currency, json, text) => {
    const money = moneyOf(amountMinor, currency);
    expect(JSON.stringify(money)).toBe(json);
    expect(String(money)).toBe(text);
  });

  it('money that was parsed, read or converted has it too', () => {
    const made = [parseAmount('1.5', 'KES'), readAmount('1.5', 'KES'), convert(moneyOf(150n, 'KES'), '1', 'KES')];
    expect(made.map((money) => JSON.stringify(money))).toEqual(Array(3).fill('{"amount":"1.50","currency":"KES"}'));
  });
});

it.each([
  [50_000n, /must be a number or a decimal string/],
  [null, /must be a number or a decimal string/],
  [undefined, /must be a number or a decimal string/],
  [{ amount: 5 }, /must be a number or a decimal string/],
  [Number.NaN, /must be a positive decimal number, such as 50000/],
  [Number.POSITIVE_INFINITY, /must be a decimal string when it is that large/],
  [1e21, /must be a decimal string when it is that large/],
  ['1e21', /must be a positive decimal number, such as 50000/],
  ['50 000', /must be a positive decimal number, such as 50000/],
  ['50,000', /must be a positive decimal number, such as 50000/],
  ['1.500', /can be read in two ways: write "1500" or "1.50"/],
  [0.1 + 0.2, /must be a whole number of XAF/],
])('%s is refused by a sentence that says what is right', (input, message) => {
  expect(() => parseAmount(input as string, 'XAF')).toThrow(message);
});

it('an amount in no currency is refused by a sentence', () => {
  expect(() => parseAmount(1, undefined as unknown as string)).toThrow('must be in a known currency, not undefined');
});
