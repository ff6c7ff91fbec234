import { type CountryAvailability, type Observed, type WalletBalance, walletBalance } from '@kpay/core';
import { expect, it } from 'vitest';
import { boundNames } from './bound-names.ts';

const observed = <T>(value: T): Observed<T> => ({ value, askedAt: new Date(0), answeredAt: new Date(1) });
const operations = [{ operationType: 'PAYOUT', status: 'OPERATIONAL', known: true }];

function country(code: string, providers: readonly string[], known = true): CountryAvailability {
  const listed = code === 'CMR' ? ['MTN_MOMO_CMR'] : [];
  return {
    country: code,
    known,
    providers: providers.map((provider) => ({ provider, known: listed.includes(provider), operationTypes: operations })),
  };
}

function wallet(currency: string): WalletBalance {
  return walletBalance(currency, { balanceMinor: 1n, reservedMinor: 0n, availableMinor: 1n });
}

function boundedBy() {
  const leftOut = { provider: 0, currency: 0 };
  const bounds = boundNames((field) => {
    leftOut[field] += 1;
  });
  const operatorsIn = (countries: CountryAvailability[]) =>
    bounds
      .availability(observed(countries))
      .value.flatMap(({ country: code, providers }) => providers.map(({ provider }) => `${code} ${provider}`));
  return { bounds, leftOut, operatorsIn };
}

it('shows 200 undocumented operators, however many come, and counts the rest', () => {
  const { leftOut, operatorsIn } = boundedBy();
  const shown = new Set<string>();
  for (let answer = 0; answer < 30; answer += 1) {
    const names = Array.from({ length: 100 }, (_, n) => `NEW_${answer}_${n}`);
    const listed = operatorsIn([country('CMR', ['MTN_MOMO_CMR', ...names])]);
    // What the catalogue lists is there, whatever came before.
    expect(listed).toContain('CMR MTN_MOMO_CMR');
    for (const each of listed) shown.add(each);
  }
  expect(shown.size).toBe(201);
  expect(leftOut.provider).toBe(30 * 100 - 200);
  // Those that were let in stay.
  expect(operatorsIn([country('CMR', ['NEW_0_5', 'NEW_29_5'])])).toEqual(['CMR NEW_0_5']);
});

it('counts an operator of two countries twice, and drops an emptied new country', () => {
  const { bounds, operatorsIn } = boundedBy();
  const codes = Array.from({ length: 250 }, (_, n) => `C${n}`);
  expect(operatorsIn(codes.map((code) => country(code, ['MTN'], false)))).toHaveLength(200);
  expect(bounds.availability(observed([country('ZZ', ['MTN'], false), country('CMR', [])])).value).toEqual([country('CMR', [])]);
});

it('lets through what is no label, so that it is counted as undocumented', () => {
  const { leftOut, operatorsIn } = boundedBy();
  expect(
    operatorsIn([
      country(
        'CMR',
        Array.from({ length: 300 }, (_, n) => `see note ${n}`),
      ),
    ]),
  ).toHaveLength(300);
  expect(leftOut.provider).toBe(0);
});

it('shows 50 currencies that nobody documented', () => {
  const { bounds, leftOut } = boundedBy();
  const letters = Array.from({ length: 26 }, (_, n) => String.fromCharCode(65 + n));
  const rows = letters.flatMap((first) => letters.map((second) => wallet(`${first}${second}Q`)));
  const { value } = bounds.balance(observed([...rows, wallet('XAF')]));
  expect(value).toHaveLength(51);
  expect(value.at(-1)?.currency).toBe('XAF');
  expect(leftOut.currency).toBe(26 * 26 - 50);
});
