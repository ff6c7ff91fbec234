import { expect, it } from 'vitest';
import { parseExactJson } from './json.ts';
import { isDeeperThan } from './json-depth.ts';

it.each([
  ['[[1]]', 2, false],
  ['[[1]]', 1, true],
  ['{"a":[{}]}', 3, false],
  ['{"a":[{}]}', 2, true],
  ['[[],[],[]]', 2, false],
  ['"[[["', 0, false],
  ['["\\"[[["]', 1, false],
  ['["\\\\",[[]]]', 2, true],
])('%s is deeper than %i: %s', (text, most, deeper) => {
  expect(isDeeperThan(text, most)).toBe(deeper);
});

it('an answer of KPay that nests without end is no JSON to us, with or without long numbers', () => {
  const deep = (depth: number, middle: string) => `${'['.repeat(depth)}${middle}${']'.repeat(depth)}`;
  for (const middle of ['1', '12345678901234567890']) {
    expect(() => parseExactJson(deep(100_000, middle))).toThrow(SyntaxError);
    expect(() => parseExactJson(deep(50, middle))).not.toThrow();
  }
});
