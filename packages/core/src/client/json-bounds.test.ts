import { expect, it } from 'vitest';
import { parseExactJson } from './json.ts';
import { boundPassed } from './json-bounds.ts';

it.each([
  ['[[1]]', 2, undefined],
  ['[[1]]', 1, 'depth'],
  ['{"a":[{}]}', 3, undefined],
  ['{"a":[{}]}', 2, 'depth'],
  ['[[],[],[]]', 2, undefined],
  ['"[[["', 0, undefined],
  ['["\\"[[["]', 1, undefined],
  ['["\\\\",[[]]]', 2, 'depth'],
])('%s nests deeper than %i: %s', (text, depth, passed) => {
  expect(boundPassed(text, { depth, entries: 10 })).toBe(passed);
});

it.each([
  ['[1,2,3]', 3, undefined],
  ['[1,2,3]', 2, 'entries'],
  ['{"a":1,"b":[1,2],"c":[3,4]}', 3, undefined],
  ['{"a":1,"b":2}', 1, 'entries'],
  ['[",,,,",2]', 2, undefined],
  ['}}},,,,', 3, 'entries'],
])('%s has more than %i entries: %s', (text, entries, passed) => {
  expect(boundPassed(text, { depth: 10, entries })).toBe(passed);
});

it('takes no endless answer of KPay for JSON, in depth or width, whatever numbers', () => {
  const deep = (depth: number, middle: string) => `${'['.repeat(depth)}${middle}${']'.repeat(depth)}`;
  const wide = (width: number, item: string) => `[${Array(width).fill(item).join(',')}]`;
  for (const middle of ['1', '12345678901234567890']) {
    for (const endless of [deep(100_000, middle), wide(20_000, middle)])
      expect(() => parseExactJson(endless)).toThrow(SyntaxError);
    for (const good of [deep(50, middle), wide(5_000, middle)]) expect(() => parseExactJson(good)).not.toThrow();
  }
});
