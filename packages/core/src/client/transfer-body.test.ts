import { expect, it } from 'vitest';
import { InvalidAmountError, UnknownCountryError } from '../errors.ts';
import { type TransferRequestFields, transferBody } from './transfer-body.ts';

const FIELDS: TransferRequestFields = {
  applicationId: 'app',
  sourceCountry: 'CMR',
  destinationCountry: 'GAB',
  amount: { amountMinor: 50_000n, currency: 'XAF' },
  externalId: 'id-1',
};

it('the same transfer is the same text, whatever order its fields come in', () => {
  const text = '{"applicationId":"app","sourceCountry":"CMR","destinationCountry":"GAB","amount":50000,"externalId":"id-1"}';
  expect(transferBody(FIELDS)).toBe(text);
  expect(transferBody(Object.fromEntries(Object.entries(FIELDS).reverse()) as unknown as TransferRequestFields)).toBe(text);
});

it('only documented fields are sent: KPay refuses others', () => {
  const body = JSON.parse(transferBody({ ...FIELDS, description: 'rent "May"\n', metadata: { a: 1 } } as TransferRequestFields));
  expect(body).toEqual({
    applicationId: 'app',
    sourceCountry: 'CMR',
    destinationCountry: 'GAB',
    amount: 50_000,
    externalId: 'id-1',
    description: 'rent "May"\n',
  });
});

it('an amount is a JSON number with every digit, beyond what a float could hold', () => {
  const amount = { amountMinor: 900_719_925_474_099_301n, currency: 'KES' };
  expect(transferBody({ ...FIELDS, sourceCountry: 'KEN', amount })).toContain('"amount":9007199254740993.01,');
});

it.each([
  ['CMR', 50_000n, 'xaf', /must be in XAF, the currency of CMR/],
  ['KEN', 50_000n, 'XAF', /must be in KES/],
  ['CMR', 50_000n, 'XOF', /must be in XAF/],
  ['CMR', 50_000n, undefined, /must be in XAF/],
  ['CMR', 0n, 'XAF', /above zero/],
  ['CMR', -1n, 'XAF', /above zero/],
  ['CMR', 50_000, 'XAF', /a bigint above zero/],
  ['CMR', undefined, 'XAF', /a bigint above zero/],
] as const)('from %s, %s minor units of %s are refused', (sourceCountry, amountMinor, currency, message) => {
  const amount = { amountMinor, currency } as TransferRequestFields['amount'];
  expect(() => transferBody({ ...FIELDS, sourceCountry, amount })).toThrow(InvalidAmountError);
  expect(() => transferBody({ ...FIELDS, sourceCountry, amount })).toThrow(message);
});

it.each([
  ['CMR', 50_000, '50000'],
  ['CMR', '50000', '50000'],
  ['CMR', '50000.00', '50000'],
  ['KEN', 1500.5, '1500.50'],
  ['KEN', '1500.5', '1500.50'],
  ['KEN', '9007199254740993.01', '9007199254740993.01'],
] as const)('from %s, %j is understood exactly', (sourceCountry, amount, written) => {
  expect(transferBody({ ...FIELDS, sourceCountry, amount })).toContain(`"amount":${written},`);
});

it.each([
  [50_000n, /two ways as a bigint: give 50000 or "50000" for units, or \{ amountMinor: 50_000n, currency \}/],
  ['1.500', /two ways: write "1500" or "1.50"/],
  ['50 000', /positive decimal number, such as 50000/],
  [1e21, /decimal string when it is that large/],
  [Number.NaN, /positive decimal number/],
  [0, /above zero/],
  [-5, /positive decimal number/],
  ['', /positive decimal number/],
  [50_000.5, /whole number of XAF/],
  [null, /an amount of XAF, such as 50000/],
  [undefined, /an amount of XAF, such as 50000/],
  [true, /an amount of XAF, such as 50000/],
  [{ amount: '50000', currency: 'XAF' }, /a bigint above zero as its amountMinor/],
])('from CMR, %s is refused by a sentence that says what is right', (amount, message) => {
  expect(() => transferBody({ ...FIELDS, amount: amount as number })).toThrow(InvalidAmountError);
  expect(() => transferBody({ ...FIELDS, amount: amount as number })).toThrow(message);
});

it.each(['COD', 'XYZ', 'cmr'])('from %s, whose currency cannot be told, nothing is sent', (sourceCountry) => {
  const amount = { amountMinor: 50_000n, currency: 'USD' };
  expect(() => transferBody({ ...FIELDS, sourceCountry, amount })).toThrow(UnknownCountryError);
});
