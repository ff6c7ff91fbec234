import { expect, it } from 'vitest';
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
  expect(transferBody({ ...FIELDS, amount })).toContain('"amount":9007199254740993.01,');
});
