import { Refusal } from './answer.ts';

/** A transfer's body after the checks that need no account: shapes, bounds, two different countries. */
export interface TransferRequest {
  applicationId: string;
  sourceCountry: string;
  destinationCountry: string;
  amount: number;
  description: string | null;
  externalId: string | null;
}

const minimumAmount = 100;
const maximumAmount = 10_000_000;
const known = ['applicationId', 'sourceCountry', 'destinationCountry', 'amount', 'description', 'externalId'];

/**
 * Throws Refusal 400 with every fault of the body at once, in an array and in NestJS's words (wild). `externalId: null`
 * is refused, because nothing documents it.
 */
export function readTransferRequest(body: unknown): TransferRequest {
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const { applicationId, sourceCountry, destinationCountry, amount, description, externalId } = fields;
  const messages = Object.keys(fields)
    .filter((name) => !known.includes(name))
    .map((name) => `property ${name} should not exist`);

  if (!isText(applicationId)) messages.push('applicationId should not be empty');
  if (!isText(sourceCountry)) messages.push('sourceCountry should not be empty');
  if (!isText(destinationCountry)) messages.push('destinationCountry should not be empty');
  if (typeof amount !== 'number') messages.push('amount must be a number conforming to the specified constraints');
  else if (amount < minimumAmount) messages.push(`amount must not be less than ${minimumAmount}`);
  else if (amount > maximumAmount) messages.push(`amount must not be greater than ${maximumAmount}`);
  if (description !== undefined && typeof description !== 'string') messages.push('description must be a string');
  if (externalId !== undefined && !isText(externalId)) messages.push('externalId must be a string that is not empty');

  if (messages.length > 0) throw new Refusal(400, messages);
  if (sourceCountry === destinationCountry) throw new Refusal(400, 'Source and destination countries must be different');
  return {
    applicationId: applicationId as string,
    sourceCountry: sourceCountry as string,
    destinationCountry: destinationCountry as string,
    amount: amount as number,
    description: (description as string | undefined) ?? null,
    externalId: (externalId as string | undefined) ?? null,
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}
