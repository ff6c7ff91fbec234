import { type Case, type Certainty, expectField, isNumber, isText, movesMoney } from '../case.ts';
import { amount, makeTransfer, transferOf } from './transfer-requests.ts';

function field(path: string, fact: string, holds: (value: unknown) => boolean, certainty: Certainty = 'docs'): Case {
  return movesMoney(`receipt.${path}`, certainty, fact, async (kpay) =>
    expectField(await makeTransfer(kpay, await transferOf(kpay)), path, holds),
  );
}

function leg(name: string, type: string, country: string): Case[] {
  return [
    field(`${name}.id`, 'The leg has an id.', isText),
    field(`${name}.reference`, 'The leg has a reference.', isText),
    field(`${name}.type`, `The leg is of type ${type}.`, (value) => value === type),
    field(`${name}.amount`, 'Within a currency the leg has the amount that was sent.', (value) => Number(value) === amount),
    field(`${name}.currency`, `The leg is in the currency of ${country}.`, (value) => value === 'XAF'),
    field(`${name}.country`, `The leg is in ${country}.`, (value) => value === country),
  ];
}

/** Contract: "POST /api/wallets/transfer", the reply. KPay's page shows none. */
export const transferReceiptCases: readonly Case[] = [
  field('id', 'A transfer has an id.', isText),
  ...leg('sourceTransaction', 'WALLET_TRANSFER_OUT', 'CMR'),
  ...leg('destinationTransaction', 'WALLET_TRANSFER_IN', 'GAB'),
  field('exchangeRate', 'exchangeRate is a number.', isNumber),
  movesMoney('receipt.description', 'docs', 'description is the one that was sent.', async (kpay) =>
    expectField(
      await makeTransfer(kpay, await transferOf(kpay, { description: 'conformance' })),
      'description',
      (value) => value === 'conformance',
    ),
  ),
  movesMoney('receipt.externalId', 'docs', 'externalId is the one that was sent.', async (kpay) => {
    const body = await transferOf(kpay);
    return expectField(await makeTransfer(kpay, body), 'externalId', (value) => value === body.externalId);
  }),
  field('createdAt', 'createdAt is a time in ISO 8601.', (value) => isText(value) && /^\d{4}-\d\d-\d\dT/.test(value)),
  ...['status', 'fee'].map((name) =>
    field(name, `There is no ${name}: a 201 is the completed transfer.`, (value) => value === undefined, 'inferred'),
  ),
];
