import { z } from 'zod';

/** The schema of a list in an answer. */
export function pageOf(item: z.ZodType) {
  const nextCursor = z.string().nullable().describe('Pass it as `cursor` to get the next page; null on the last page.');
  return z.strictObject({ items: z.array(item), nextCursor });
}
