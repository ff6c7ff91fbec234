import { describe, expect, it } from 'vitest';
import { UnknownCountryError } from '../errors.ts';
import { countries, currencyOf, isKnownCountry, providers } from './catalogue.ts';

describe('currencyOf', () => {
  it.each([
    ['CMR', 'XAF'],
    ['GAB', 'XAF'],
    ['COG', 'XAF'],
    ['SEN', 'XOF'],
    ['CIV', 'XOF'],
    ['BEN', 'XOF'],
    ['KEN', 'KES'],
    ['RWA', 'RWF'],
    ['UGA', 'UGX'],
    ['ZMB', 'ZMW'],
    ['SLE', 'SLE'],
  ])('%s is %s', (country, currency) => {
    expect(currencyOf(country)).toBe(currency);
  });

  it('refuses COD and says that it holds two currencies', () => {
    expect(() => currencyOf('COD')).toThrow(/CDF and USD/);
  });

  it.each(['XXX', 'cmr', '', 'toString', '__proto__'])('refuses %j and lists the countries it knows', (country) => {
    expect(() => currencyOf(country)).toThrow(UnknownCountryError);
    expect(() => currencyOf(country)).toThrow(/BEN, CIV, CMR, COD, COG, GAB, KEN, RWA, SEN, SLE, UGA, ZMB/);
  });
});

it('every provider is in a country of the catalogue', () => {
  expect(providers).toHaveLength(25);
  expect(providers.filter(({ country }) => !isKnownCountry(country))).toEqual([]);
});

it('GHA of the page is known, and holds no wallet', () => {
  expect([isKnownCountry('GHA'), countries.includes('GHA'), isKnownCountry('TZA')]).toEqual([true, false, false]);
});
