import { expect, it } from 'vitest';
import { amountAsWritten, repeatedName } from './json-in-doubt.ts';

it.each([
  ['{"amount":500,"amount":5000}', 'amount'],
  ['{"am\\u006funt":500, "amount" : 5000}', 'amount'],
  ['{"a":{"b":1,"b":2}}', 'b'],
  ['[{"a":1},{"a":2,"c":[{"x":1}],"a":3}]', 'a'],
  ['{"a":1,"b":{"a":1},"c":["a","a"]}', undefined],
  ['{"a":"b","b":"a","c":"a\\":"}', undefined],
  ['{"a":"\\"b\\":1,\\"b\\":2"}', undefined],
  ['"a"', undefined],
  ['{"a', undefined],
  ['}]{"\\', undefined],
])('%s has twice: %s', (text, name) => {
  expect(repeatedName(text)).toBe(name);
});

it('looks at a long text once', () => {
  const names = Array.from({ length: 5_000 }, (_, index) => `"${String(index).padStart(6, '0')}" : ${' '.repeat(10)}1`);
  const began = performance.now();
  expect(repeatedName(`{${names.join(',')}}`)).toBeUndefined();
  expect(repeatedName(`{${[...names, names[0]].join(',')}}`)).toBe('000000');
  expect(performance.now() - began).toBeLessThan(500);
});

it.each([
  ['{"amount":500.000}', { amount: '500.000' }],
  ['{"amount":0.125}', { amount: '0.125' }],
  ['{"amount":500}', { amount: 500 }],
  ['{"amount":1500.50}', { amount: 1500.5 }],
  ['{"amount":1500.500}', { amount: 1500.5 }],
  ['{"minRate":655.957}', { minRate: 655.957 }],
  ['{"amount":{"amount":1.500}}', { amount: { amount: '1.500' } }],
])('%s keeps an amount that can be read in two ways as it was written', (text, read) => {
  expect(JSON.parse(text, amountAsWritten)).toEqual(read);
});
