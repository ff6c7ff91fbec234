import type * as z from 'zod';
import { Refusal } from './answer.ts';

/**
 * What a caller gave, as the schema has it.
 *
 * @param name of all of it, where it is no object.
 * @throws Refusal 400 with a message for each thing that is wrong, which begins with the field.
 */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown, name = 'input'): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new Refusal(
    400,
    parsed.error.issues.map((issue) => describeIssue(issue, name)),
  );
}

function describeIssue(issue: z.core.$ZodIssue, name: string): string {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    return `${path === '' ? key : `${path}.${key}`}: is not known here`;
  }
  return `${path || name}: ${issue.message.replace(/^Invalid input: /, '')}`;
}
