import { expect, it } from 'vitest';
import { parseRetryAfterMs } from './retry-after.ts';

const NOW_MS = Date.UTC(2026, 10, 24, 12, 0, 0);

it.each([
  ['0', undefined],
  ['0.0', undefined],
  ['7', 7_000],
  ['1.5', 1_500],
  [' 3 ', 3_000],
  [['4', '9'], 4_000],
  ['Tue, 24 Nov 2026 12:00:30 GMT', 30_000],
  ['Tue, 24 Nov 2026 11:00:00 GMT', undefined],
  ['Tue, 24 Nov 2026 12:00:00 GMT', undefined],
  ['Tue, 24 Nov 9999 12:00:00 GMT', 900_000],
  ['999999999', 900_000],
  ['soon', undefined],
  ['-1', undefined],
  ['', undefined],
  [undefined, undefined],
])('Retry-After %j is %s ms', (header, expected) => {
  expect(parseRetryAfterMs(header, NOW_MS)).toBe(expected);
});
