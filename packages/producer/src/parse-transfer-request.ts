import { randomUUID } from 'node:crypto';
import type * as z from 'zod';
import { InvalidTransferRequest } from './errors.ts';
import { transferRequestSchema } from './transfer-job.ts';

const requestSchema = transferRequestSchema.partial({ externalId: true });

/** A transfer to be enqueued. Without an `externalId` it gets a new one. */
export type TransferRequest = z.input<typeof requestSchema>;

/** The request as it goes into the job: parsed, and with an identity that no one behind the queue has to invent. */
export function parseTransferRequest(request: TransferRequest): z.output<typeof transferRequestSchema> {
  const parsed = requestSchema.safeParse(request);
  if (!parsed.success) {
    const { field, problem } = describeIssue(parsed.error.issues, request);
    throw new InvalidTransferRequest(field, problem);
  }
  return { ...parsed.data, externalId: parsed.data.externalId ?? randomUUID() };
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
