import { randomUUID } from 'node:crypto';
import type * as z from 'zod';
import { requireRequest } from './arguments.ts';
import { InvalidTransferRequestError } from './errors.ts';
import { transferRequestSchema } from './transfer-job.ts';

const requestSchema = transferRequestSchema.partial({ externalId: true });

/** A transfer to be enqueued. Without an `externalId` it gets a new one. */
export type TransferRequest = z.input<typeof requestSchema>;

/** A request as it goes into a job or a body. */
export type ParsedTransferRequest = z.output<typeof transferRequestSchema>;

/**
 * The request as it goes into the job: parsed, and with an identity that no one behind the queue has to invent.
 *
 * @throws InvalidTransferRequestError
 */
export function parseTransferRequest(request: TransferRequest): ParsedTransferRequest {
  requireRequest(request);
  const parsed = requestSchema.safeParse(request);
  if (!parsed.success) {
    const { field, problem } = describeIssue(parsed.error.issues, request);
    throw new InvalidTransferRequestError(field, problem);
  }
  const { externalId = randomUUID(), ...fields } = parsed.data;
  const { sourceCountry, destinationCountry, amount, minRate } = fields;
  for (const [field, country] of Object.entries({ sourceCountry, destinationCountry })) {
    if (COUNTRY.test(country)) continue;
    throw new InvalidTransferRequestError(field, 'must be an ISO 3166-1 alpha-3 code, such as CMR', { externalId });
  }
  requireDecimal('amount', amount, externalId);
  if (minRate !== undefined) requireDecimal('minRate', minRate, externalId);
  // In the schema's order, with an externalId of ours too: the same request is then the same text.
  return { externalId, ...fields };
}

const COUNTRY = /^[A-Z]{3}$/;
const MAX_DIGITS = 40;

/** What no country's currency could make a positive number of. The worker and the API know the currency and judge the rest. */
function requireDecimal(field: string, value: string | number, externalId: string): void {
  const text = String(value);
  if (text.length <= MAX_DIGITS && /^\d+(\.\d+)?$/.test(text) && /[1-9]/.test(text)) return;
  throw new InvalidTransferRequestError(field, 'must be a positive decimal number, such as 50000 or "1500.50"', { externalId });
}

type Issue = { code: string; path: PropertyKey[]; message: string; keys?: string[] };

/** The first thing that is wrong with a request: which field, and what would be right. Short, however long the request is. */
export function describeIssue(issues: readonly Issue[], request: unknown): { field: string; problem: string } {
  const issue = issues[0];
  if (!issue) return { field: 'body', problem: 'must be a transfer' };
  if (issue.code === 'unrecognized_keys') {
    return { field: shortened(issue.keys?.[0] ?? 'body'), problem: 'is not a field of a transfer' };
  }
  if (issue.path.length === 0) return { field: 'body', problem: 'must be a JSON object' };
  const given = issue.path.reduce<unknown>((value, key) => Object(value)[key], request);
  return {
    field: shortened(issue.path.map(String).join('.')),
    problem: given === undefined ? 'is required' : issue.message,
  };
}

const LONGEST_FIELD = 80;

/** The names of fields are the caller's too, and what fails a job is kept with it, logged and shown. */
function shortened(field: string): string {
  return field.length <= LONGEST_FIELD ? field : `${field.slice(0, LONGEST_FIELD)}…`;
}
