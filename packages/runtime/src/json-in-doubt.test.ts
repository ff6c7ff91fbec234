import { expect, it } from 'vitest';
import { doubtIn } from './json-in-doubt.ts';

it.each([
  ['{"amount":500,"amount":5000}', 'amount'],
  ['{"am\\u006funt":500, "amount" : 5000}', 'amount'],
  ['{"a":{"b":1,"b":2}}', 'b'],
  ['[{"a":1},{"a":2,"c":[{"x":1}],"a":3}]', 'a'],
])('%s has twice: %s', (text, name) => {
  expect(doubtIn(text)).toBe(`has the field ${name} twice in one object`);
});

it.each(['{"amount":500.000}', '{"amount" :\n500.000 }', '[{"am\\u006funt":500.000,"b":1}]'])(
  '%s has an amount that can be read in two ways',
  (text) => {
    expect(doubtIn(text)).toBe('has the amount 500.000, which can be read in two ways: write 500000 or 500.00');
  },
);

it.each([
  '{"a":1,"b":{"a":1},"c":["a","a"]}',
  '{"a":"b","b":"a","c":"a\\":"}',
  '{"a":"\\"b\\":1,\\"b\\":2"}',
  '{"amount":500,"b":{"amount":1500.50}}',
  '{"amount":1500.500}',
  '{"amount":0.125}',
  '{"amount":1.125e3}',
  '{"minRate":655.957}',
  '{"a":"\\"amount\\":500.000"}',
  '"a"',
  '{"a',
  '}]{"\\',
  '{"amount":',
])('%s is clear', (text) => {
  expect(doubtIn(text)).toBeUndefined();
});

it('looks at a long text once', () => {
  const names = Array.from({ length: 5_000 }, (_, index) => `"${String(index).padStart(6, '0')}" : ${' '.repeat(10)}1`);
  const began = performance.now();
  expect(doubtIn(`{${names.join(',')}}`)).toBeUndefined();
  expect(doubtIn(`{${[...names, names[0]].join(',')}}`)).toBe('has the field 000000 twice in one object');
  expect(performance.now() - began).toBeLessThan(500);
});
