import { textSchema } from '@kpay/producer/request';
import { InvalidRequest } from '@kpay/transfers/request';
import type { z } from 'zod';

export const reasonSchema = textSchema(500).describe('The reason, for readers of the history.');

/** Parses a body with its schema. A missing body counts as an empty object. @throws InvalidRequest naming the field. */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  if (!issue) throw new InvalidRequest('body', 'is not valid');
  if (issue.code === 'unrecognized_keys') throw new InvalidRequest(issue.keys[0] ?? 'body', 'is not a field here');
  const field = issue.path.map(String).join('.');
  if (field === '') throw new InvalidRequest('body', 'must be a JSON object');
  const given = issue.path.reduce<unknown>((value, key) => Object(value)[key], body);
  throw new InvalidRequest(field, given === undefined ? 'is required' : issue.message);
}
