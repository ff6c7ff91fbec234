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
] as const)('from %s, %s minor units of %s are refused', (sourceCountry, amountMinor, currency, message) => {
  const amount = { amountMinor, currency } as TransferRequestFields['amount'];
  expect(() => transferBody({ ...FIELDS, sourceCountry, amount })).toThrow(InvalidAmountError);
  expect(() => transferBody({ ...FIELDS, sourceCountry, amount })).toThrow(message);
});

it.each(['COD', 'XYZ', 'cmr'])('from %s, whose currency cannot be told, nothing is sent', (sourceCountry) => {
  const amount = { amountMinor: 50_000n, currency: 'USD' };
  expect(() => transferBody({ ...FIELDS, sourceCountry, amount })).toThrow(UnknownCountryError);
});
