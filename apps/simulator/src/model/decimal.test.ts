import { describe, expect, it } from 'vitest';
import { convertMinor, formatMinor, parseDecimal, toMinor } from './decimal.ts';

describe('toMinor', () => {
  it.each([
    [50_000, 0, 50_000n],
    ['50000.00', 0, 50_000n],
    [0.1, 2, 10n],
    [1e7, 0, 10_000_000n],
    ['1e3', 2, 100_000n],
    [1e-7, 7, 1n],
    [0, 0, 0n],
    [50_000.5, 0, undefined],
    ['0.001', 2, undefined],
    [Number.NaN, 0, undefined],
    [Number.POSITIVE_INFINITY, 0, undefined],
    ['', 0, undefined],
    ['12,5', 2, undefined],
  ])('%s with %i decimals is %s minor units, or nothing', (value, decimals, expected) => {
    expect(toMinor(value, decimals)).toBe(expected);
  });
});

it.each([
  [5n, 2, '0.05'],
  [-5n, 2, '-0.05'],
  [123_456n, 2, '1234.56'],
  [0n, 0, '0'],
])('%s minor units with %i decimals print as %s', (minor, decimals, expected) => {
  expect(formatMinor(minor, decimals)).toBe(expected);
});

it.each([
  [100_000n, 0, 1.0153, 0, 101_530n],
  [333n, 0, 1.0153, 0, 338n],
  [100n, 0, 0.00166667, 2, 16n],
  [16_667n, 2, 600, 0, 100_002n],
])('%s (%i decimals) at %d to %i decimals is %s, rounded down', (amount, from, rate, to, expected) => {
  const decimal = parseDecimal(rate);
  expect(decimal && convertMinor(amount, from, decimal, to)).toBe(expected);
});
