import { formatAmount, type Money } from './money.ts';

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
 */
export function transferBody({
  applicationId,
  sourceCountry,
  destinationCountry,
  amount,
  externalId,
  description,
}: TransferRequestFields): string {
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
