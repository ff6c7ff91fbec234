import { currencyOf } from '../money/catalogue.ts';
import { formatAmount, InvalidAmount, type Money } from '../money/money.ts';

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

/**
 * The exact JSON text of a transfer request. The same fields always make the same text: every send of a transfer
 * must carry the same one. Only documented fields are in it, because KPay refuses others; the amount is a JSON number
 * written from exact digits, never through a float.
 *
 * @throws InvalidAmount when the amount is not above zero or not in the source country's currency: KPay is told a number
 *   alone, and would take it for that currency.
 * @throws UnknownCountry when that currency cannot be told.
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
  if (currency !== expected) throw new InvalidAmount(`must be in ${expected}, the currency of ${sourceCountry}`);
  if (typeof amountMinor !== 'bigint' || amountMinor <= 0n) throw new InvalidAmount('must be a bigint above zero');
}
