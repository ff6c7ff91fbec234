import { expect, it } from 'vitest';
import { isStillGood } from './still-good.ts';

it.each([
  ['just begun', 1_000_000, true],
  ['at its end', 940_000, true],
  ['past its end', 939_999, false],
  ['as far ahead as two exchanges with Redis may read it', 1_001_000, true],
  ['in the future', 1_001_001, false],
  ['without a date', Number.NaN, false],
])('what is good for a minute, %s', (_when, sinceMs, expected) => {
  expect(isStillGood({ sinceMs, forMs: 60_000 }, 1_000_000)).toBe(expected);
});
