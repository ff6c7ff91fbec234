import { expect, it } from 'vitest';
import { withoutFormulas } from './spreadsheet-text.ts';

it.each([
  ['=1+1', "'=1+1"],
  ['x;=1+1', "x;'=1+1"],
  ['x\t-1', "x\t'-1"],
  ['pay\n=HYPERLINK(A1)', "pay\n'=HYPERLINK(A1)"],
  ['x;\t\r\n "=1";+2', `x;\t\r\n "'=1";'+2`],
  ['a,@b|＝c', "a,'@b|'＝c"],
  [`";=1`, `";'=1`],
])('%j is written %j', (text, written) => {
  expect(withoutFormulas(text)).toBe(written);
});

it.each(['', 'rent for May', 'a=b', 'a - b', 'for +237', "it's; well", '2026-11-29', 'order-1,order-2'])('leaves %j', (text) => {
  expect(withoutFormulas(text)).toBe(text);
});
