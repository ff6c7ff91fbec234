import { describe, expect, it } from 'vitest';
import { Failure } from '../framework/failure.ts';
import { readAmount, readCountry } from './amount.ts';
import { amountInWords } from './amount-words.ts';

describe('an amount', () => {
  it.each([
    ['50000', '50000'],
    ['50 000', '50000'],
    ['50\u202f000', '50000'],
    ['50\u00a0000', '50000'],
    ['1\u202f250\u202f000,50', '1250000.50'],
    ['50000.00', '50000.00'],
    ['50000,5', '50000.5'],
    ['1,500.50', '1500.50'],
    ['1.500,50', '1500.50'],
    ['1,500,000', '1500000'],
    ['1.500.000', '1500000'],
    ['0.500', '0.500'],
    ['50000.000', '50000.000'],
    ['050', '50'],
    [' 50 000 XAF ', '50000'],
  ])('%j is %s', (text, plain) => {
    expect(readAmount(text, '--amount', 'XAF')).toBe(plain);
  });

  it.each(['1.500', '1,500', '999.999', '12,000'])('%s has two readings, and is asked back with both', (text) => {
    expect(() => readAmount(text, '--amount')).toThrow(/can be read in two ways: write \d+ or \d+\.\d\d$/);
  });

  it.each([
    '',
    '-5',
    '+5',
    '1e3',
    '50k',
    '5 00',
    '50 0000',
    '1\u202f500 000',
    '1 500,000',
    '1,50,000',
    '50000 KES',
    '٥٠',
    '1'.repeat(41),
    '0x10',
    '1..5',
  ])('%j is refused with the code of usage', (text) => {
    const refused = () => readAmount(text, '--amount', 'XAF');
    expect(refused).toThrow(Failure);
    expect(refused).toThrow(expect.objectContaining({ code: 2 }));
  });
});

describe('a country', () => {
  it.each(['CMR', 'cmr', 'Cameroon', 'cameroun', 'CAMEROUN'])('%s is Cameroon, which holds XAF', (text) => {
    expect(readCountry(text, '--from')).toEqual({ country: 'CMR', currency: 'XAF' });
  });

  it.each([
    ['COD', /CDF and USD/],
    ['FRA', /must be one of BEN/],
    ['__proto__', /must be one of BEN/],
  ])('%s is refused', (text, why) => {
    expect(() => readCountry(text, '--from')).toThrow(why);
  });
});

describe('an amount in words', () => {
  it.each([
    ['50000', 'fifty thousand XAF', 'cinquante mille XAF'],
    ['1', 'one XAF', 'un XAF'],
    ['80', 'eighty XAF', 'quatre-vingts XAF'],
    ['71', 'seventy-one XAF', 'soixante et onze XAF'],
    ['91', 'ninety-one XAF', 'quatre-vingt-onze XAF'],
    ['81', 'eighty-one XAF', 'quatre-vingt-un XAF'],
    ['200', 'two hundred XAF', 'deux cents XAF'],
    ['201', 'two hundred one XAF', 'deux cent un XAF'],
    ['200000', 'two hundred thousand XAF', 'deux cent mille XAF'],
    ['80000', 'eighty thousand XAF', 'quatre-vingt mille XAF'],
    ['1000', 'one thousand XAF', 'mille XAF'],
    ['10000000', 'ten million XAF', 'dix millions XAF'],
    [
      '1234567',
      'one million two hundred thirty-four thousand five hundred sixty-seven XAF',
      'un million deux cent trente-quatre mille cinq cent soixante-sept XAF',
    ],
    ['1500.5', 'one thousand five hundred XAF and fifty hundredths', 'mille cinq cents XAF et cinquante centièmes'],
  ])('%s is %s', (decimal, en, fr) => {
    expect([amountInWords(decimal, 'XAF', 'en'), amountInWords(decimal, 'XAF', 'fr')]).toEqual([en, fr]);
  });
});
