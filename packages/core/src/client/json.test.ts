import { expect, it } from 'vitest';
import { parseExactJson } from './json.ts';

it.each([
  ['1.0153', '1.0153'],
  ['100000000000000', '100000000000000'],
  // The next one is not a float's.
  ['9007199254740993', '9007199254740993'],
  ['1.00000000000000009', '1.00000000000000009'],
  ['-0.1', '-0.1'],
  ['{"a":[1,{"b":2.5}],"c":null,"d":true,"e":"6"}', { a: ['1', { b: '2.5' }], c: null, d: true, e: '6' }],
  ['[{"id":"12345678901234567890"},{"n":12345678901234567890}]', [{ id: '12345678901234567890' }, { n: '12345678901234567890' }]],
])('keeps the numbers of %s exactly', (text, value) => {
  expect(parseExactJson(text)).toEqual(value);
});

it('throws at what is no JSON', () => {
  expect(() => parseExactJson('{"id":')).toThrow(SyntaxError);
});
