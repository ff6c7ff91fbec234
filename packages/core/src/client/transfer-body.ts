import { assertFields, assertText } from '../arguments.ts';
import { InvalidAmountError } from '../errors.ts';
import { currencyOf } from '../money/catalogue.ts';
import { formatAmount, type Money } from '../money/money.ts';

export interface TransferRequestFields {
  /** `application.id` of /me. */
  applicationId: string;
  /** ISO 3166-1 alpha-3; the currency of `amount` is this country's. */
  sourceCountry: string;
  destinationCountry: string;
  amount: Money;
  /** KPay's idempotency id. Used once for one transfer, for ever. */
  externalId: string;
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
const AMOUNT_FIELDS: ReadonlySet<string> = new Set(['amountMinor', 'currency']);

/** @throws InvalidArgumentError for what a caller in JavaScript can get wrong. */
export function assertTransferFields(fields: unknown): asserts fields is TransferFields {
  assertFields('fields', fields, FIELDS);
  const { sourceCountry, destinationCountry, amount, externalId, description, applicationId } = fields as Record<string, unknown>;
  assertText('sourceCountry', sourceCountry, 3);
  assertText('destinationCountry', destinationCountry, 3);
  assertFields('amount', amount, AMOUNT_FIELDS);
  assertText('externalId', externalId, 255);
  if (description !== undefined) assertText('description', description, 1_000);
  if (applicationId !== undefined) assertText('applicationId', applicationId, 100);
}

/**
 * The exact JSON text of a transfer request. The same fields always make the same text: every send of a transfer
 * must carry the same one. Only documented fields are in it, because KPay refuses others; the amount is a JSON number
 * written from exact digits, never through a float.
 *
 * @throws InvalidAmountError when the amount is not above zero or not in the source country's currency: KPay is told a number
 *   alone, and would take it for that currency.
 * @throws UnknownCountryError when that currency cannot be told.
 */
export function transferBody({
  applicationId,
  sourceCountry,
  destinationCountry,
  amount,
  externalId,
  description,
}: TransferRequestFields): string {
  assertCurrencyOf(sourceCountry, amount);
  const parts = [
    `"applicationId":${JSON.stringify(applicationId)}`,
    `"sourceCountry":${JSON.stringify(sourceCountry)}`,
    `"destinationCountry":${JSON.stringify(destinationCountry)}`,
    `"amount":${formatAmount(amount)}`,
    `"externalId":${JSON.stringify(externalId)}`,
    ...(description === undefined ? [] : [`"description":${JSON.stringify(description)}`]),
  ];
  return `{${parts.join(',')}}`;
}

function assertCurrencyOf(sourceCountry: string, { amountMinor, currency }: Money): void {
  const expected = currencyOf(sourceCountry);
  if (currency !== expected) throw new InvalidAmountError(`must be in ${expected}, the currency of ${sourceCountry}`);
  if (typeof amountMinor !== 'bigint' || amountMinor <= 0n) throw new InvalidAmountError('must be a bigint above zero');
}
