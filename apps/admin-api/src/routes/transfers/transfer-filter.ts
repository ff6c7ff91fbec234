import { createHash } from 'node:crypto';
import { instantSchema } from '@kpay/producer';
import { type TransferFilter, transferStates } from '@kpay/transfers';
import { z } from 'zod';

const amount = z
  .string()
  .regex(/^\d{1,12}(\.\d{1,6})?$/, 'must be a decimal number, such as 50000 or 1500.50')
  .refine((text) => !/^[1-9]\d{0,2}\.\d{3}$/.test(text), 'can be read in two ways: write 500000 or 500.00');
/** A time in an address. A + that is not written as %2B arrives as a space. */
const instant = z
  .string()
  .overwrite((text) => text.replace(/^([\d-]+T[\d:.]+) (\d\d:\d\d)$/, '$1+$2'))
  .pipe(instantSchema)
  .meta({ format: 'date-time' });
// Transfers that were recorded before control characters were refused can still be found.
const storable = (text: string) => !text.includes('\0');

/** The query parameters that choose transfers. */
export const filterParameters = {
  account: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/, 'must be the name of an account')
    .optional(),
  state: z.enum(transferStates, `must be one of ${transferStates.join(', ')}`).optional(),
  corridor: z
    .string()
    .regex(/^[A-Z]{3}-[A-Z]{3}$/, 'must be a corridor, such as CMR-GAB')
    .optional(),
  minAmount: amount.optional().describe("The smallest amount, in units of each transfer's own source currency."),
  maxAmount: amount.optional().describe('The largest amount.'),
  createdFrom: instant.optional().describe('Accepted at this time or later.'),
  createdTo: instant.optional().describe('Accepted before this time.'),
  externalId: z
    .string()
    .min(1, 'must not be empty')
    .max(128, 'must be at most 128 characters')
    .refine(storable, 'must not contain U+0000')
    .optional(),
  // Shorter texts cannot use the index, which holds groups of three characters.
  reason: z
    .string()
    .min(3, 'must be at least 3 characters')
    .max(100, 'must be at most 100 characters')
    .refine(storable, 'must not contain U+0000')
    .optional()
    .describe('Text that occurs anywhere in the reason, in upper or lower case.'),
};

type FilterQuery = { [name in keyof typeof filterParameters]?: string | undefined };

export function filterOf({ createdFrom, createdTo, ...query }: FilterQuery): TransferFilter {
  const given = Object.entries(query).filter(([name, value]) => name in filterParameters && value !== undefined);
  return {
    ...(Object.fromEntries(given) as TransferFilter),
    ...(createdFrom !== undefined && { createdFrom: new Date(createdFrom) }),
    ...(createdTo !== undefined && { createdTo: new Date(createdTo) }),
  };
}

/** A digest that is the same for the same filter, and for no other. */
export function fingerprintOf(filter: TransferFilter): string {
  const text = JSON.stringify(Object.entries(filter).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(text).digest('base64url').slice(0, 12);
}
