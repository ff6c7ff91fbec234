import { z } from 'zod';

/** A list as the API answers it. */
export function pageOf(item: z.ZodType) {
  const nextCursor = z.string().nullable().describe('Give it as `cursor` for the next page; null on the last one.');
  return z.strictObject({ items: z.array(item), nextCursor });
}
