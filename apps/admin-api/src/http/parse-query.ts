import { z } from 'zod';
import { Problem } from '../problems/problem.ts';

/** The parameter that chooses the account of a read. */
export const accountParameter: z.ZodDefault<z.ZodString> = z.string().default('default');

/** A whole number in a query. The document says integer, so that generated clients use one. */
export function integerParameter(least: number, most: number): z.ZodType<number> {
  const why = `must be a whole number from ${least} to ${most}`;
  const read = (text: unknown) => (typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : text);
  return z.preprocess(read, z.int(why).min(least, why).max(most, why));
}

/** A boolean parameter, `true` or `false`. */
export function booleanParameter(): z.ZodType<boolean> {
  const read = (text: unknown) => (text === 'true' ? true : text === 'false' ? false : text);
  return z.preprocess(read, z.boolean('must be true or false'));
}

/** @throws Problem naming the parameter that is wrong or unknown. */
export function parseQuery<Schema extends z.ZodType>(schema: Schema, query: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(query);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  if (issue?.code === 'unrecognized_keys') throw invalidParameter(issue.keys[0] ?? '', 'is not a parameter here');
  throw invalidParameter(String(issue?.path[0]), issue?.message ?? 'is not valid');
}

/**
 * Refuses a query that is not percent-encoded UTF-8. The query parser would replace invalid bytes by U+FFFD and keep a
 * % that encodes nothing.
 *
 * @throws Problem (400)
 */
export function requireUtf8Query(url: string): void {
  const [, query = ''] = /\?(.*)$/s.exec(url) ?? [];
  try {
    decodeURIComponent(query);
  } catch {
    throw new Problem('invalid_request', 'The query is not percent-encoded UTF-8: write a % as %25.');
  }
}

export function invalidParameter(parameter: string, problem: string): Problem {
  return new Problem('invalid_request', `${parameter}: ${problem}`, { parameter });
}
