import { assertFields, assertText, kindOf } from '../arguments.ts';
import { InvalidAmountError, InvalidArgumentError, UnknownCountryError } from '../errors.ts';
import { type Country, currencyOf } from '../money/catalogue.ts';
import { formatAmount, type Money, parseAmount } from '../money/money.ts';

/**
 * An amount in the source country's currency: `50000` or `"50000.00"` counts its units, Money its smallest ones.
 *
 * A bare bigint is refused, because it can be read in two ways: 50_000n is 500.00 or 50,000 KES. So are `"1.500"`,
 * `"50 000"`, NaN, numbers beyond 2^53 and more decimals than the currency has.
 */
export type TransferAmount = Money | string | number;

/** A transfer between two wallets of one application (KPay's documentation of `POST /api/wallets/transfer`). */
export interface TransferRequestFields {
  /** `application.id` of `me()`, a UUID; never the company's id, which one example of KPay's shows in its place. */
  applicationId: string;
  /** The country of the wallet that pays, ISO 3166-1 alpha-3 such as `CMR`; the currency of `amount` is this country's. */
  sourceCountry: Country;
  /** The country of the wallet that receives, ISO 3166-1 alpha-3 such as `GAB`. The same country is refused (400). */
  destinationCountry: Country;
  /** In the source country's currency; KPay takes 100 to 10,000,000 units of it. */
  amount: TransferAmount;
  /** KPay's idempotency id, which you choose. Used once for one transfer, for ever: 409 for a second one. */
  externalId: string;
  /** A text of your own, which KPay shows with the transfer. */
  description?: string | undefined;
}

/** As Kpay.transfer takes them: without an `applicationId` it is that of the keys. */
export type TransferFields = Omit<TransferRequestFields, 'applicationId'> & Partial<Pick<TransferRequestFields, 'applicationId'>>;

const FIELDS: ReadonlySet<string> = new Set([
  'sourceCountry',
  'destinationCountry',
  'amount',
  'externalId',
  'description',
  'applicationId',
]);
const AMOUNT_FIELDS: ReadonlySet<string> = new Set(['amountMinor', 'currency', 'toJSON']);

/** @throws InvalidArgumentError, InvalidAmountError, UnknownCountryError for what a caller can get wrong. */
export function assertTransferFields(fields: unknown): asserts fields is TransferFields {
  assertFields('fields', fields, FIELDS);
  const { sourceCountry, destinationCountry, amount, externalId, description, applicationId } = fields as Record<string, unknown>;
  assertText('sourceCountry', sourceCountry, 3);
  assertText('destinationCountry', destinationCountry, 3);
  if (!/^[A-Z]{3}$/.test(destinationCountry)) {
    throw new InvalidArgumentError('destinationCountry', 'must be an ISO 3166-1 alpha-3 code such as GAB');
  }
  if (destinationCountry === sourceCountry) {
    throw new InvalidArgumentError('destinationCountry', 'must be another country than sourceCountry');
  }
  if (typeof amount === 'object') assertFields('amount', amount, AMOUNT_FIELDS);
  assertText('externalId', externalId, 255);
  if (description !== undefined) assertText('description', description, 1_000);
  if (applicationId !== undefined) assertText('applicationId', applicationId, 100);
  readTransferAmount(amount as TransferAmount, sourceCountry);
}

/**
 * The exact JSON text of a transfer request. The same fields always make the same text: every send of a transfer
 * must carry the same one. Only documented fields are in it, because KPay refuses others; the amount is a JSON number
 * written from exact digits, never through a float.
 *
 * @throws InvalidAmountError when the amount is not above zero, can be read in two ways, or is not in the source country's
 *   currency: KPay is told a number alone, and would take it for that currency.
 * @throws UnknownCountryError when that currency cannot be told.
 */
export function transferBody(fields: TransferRequestFields): string {
  if (typeof fields !== 'object' || fields === null)
    throw new InvalidArgumentError('fields', `must be an object, not ${kindOf(fields)}`);
  const { applicationId, sourceCountry, destinationCountry, amount, externalId, description } = fields;
  assertText('destinationCountry', destinationCountry, 3);
  assertText('externalId', externalId, 255);
  const parts = [
    `"applicationId":${JSON.stringify(applicationId)}`,
    `"sourceCountry":${JSON.stringify(sourceCountry)}`,
    `"destinationCountry":${JSON.stringify(destinationCountry)}`,
    `"amount":${formatAmount(readTransferAmount(amount, sourceCountry))}`,
    `"externalId":${JSON.stringify(externalId)}`,
    ...(description === undefined ? [] : [`"description":${JSON.stringify(description)}`]),
  ];
  return `{${parts.join(',')}}`;
}

const TWO_READINGS =
  'can be read in two ways as a bigint: give 50000 or "50000" for units, or { amountMinor: 50_000n, currency } for the smallest units';

/**
 * The amount as money of the source country.
 * @throws InvalidAmountError, UnknownCountryError as transferBody; the message begins with the field.
 */
export function readTransferAmount(amount: TransferAmount, sourceCountry: string): Money {
  const expected = named('sourceCountry', () => currencyOf(sourceCountry));
  return named('amount', () => readAmountIn(expected, amount, sourceCountry));
}

function readAmountIn(expected: string, amount: TransferAmount, sourceCountry: string): Money {
  if (typeof amount === 'bigint') throw new InvalidAmountError(TWO_READINGS);
  if (typeof amount === 'string' || typeof amount === 'number') return parseAmount(amount, expected);
  if (typeof amount !== 'object' || amount === null) {
    throw new InvalidAmountError(`must be an amount of ${expected}, such as 50000`);
  }
  const { amountMinor, currency } = amount;
  if (currency !== expected) throw new InvalidAmountError(`must be in ${expected}, the currency of ${sourceCountry}`);
  if (typeof amountMinor !== 'bigint' || amountMinor <= 0n) {
    throw new InvalidAmountError('must have a bigint above zero as its amountMinor');
  }
  return amount;
}

/** Puts the field's name before a message that follows one. */
function named<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof InvalidAmountError) throw new InvalidAmountError(`${field} ${error.message}`);
    if (error instanceof UnknownCountryError) throw new UnknownCountryError(`${field} ${error.message}`);
    throw error;
  }
}
