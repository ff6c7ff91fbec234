import { z } from 'zod';
import { StartError } from '../start-error.ts';

/**
 * A setting is missing or wrong. The message is one line that names it and says what would be right, never a secret's
 * value.
 */
export class SettingsError extends StartError {
  override name = 'SettingsError';
}

export const environmentSchema = z.enum(['TEST', 'PRODUCTION'], { error: 'must be TEST or PRODUCTION' });

export type Environment = z.infer<typeof environmentSchema>;

export const accountNameSchema = z
  .string({ error: 'must be the name of the account' })
  .regex(/^[a-z0-9-]{1,32}$/, 'must be 1 to 32 of a-z, 0-9 and -');

export const ratePairSchema = z
  .string({ error: 'must be two currencies such as XAF:XOF' })
  .regex(/^[A-Z]{3}:[A-Z]{3}$/, { error: ({ input }) => `must be two currencies such as XAF:XOF, not ${String(input)}` })
  .refine((pair) => pair.slice(0, 3) !== pair.slice(4), {
    error: ({ input }) => `must be two different currencies such as XAF:XOF, not ${String(input)}`,
  })
  .describe('Two currencies, such as XAF:XOF');

/** An `http` address without a trailing slash. The message for a wrong one shows `example`. */
export const addressSchema = (example: string) =>
  z
    .url({ protocol: /^https?$/, error: `must be an address such as ${example}` })
    .refine((url) => !/[?#@]/.test(url), `must be an address such as ${example}, without user, query or fragment`)
    .overwrite((url) => url.replace(/(?<!\/)\/+$/, ''));

export const baseUrlSchema = addressSchema('https://admin.kpay.site');

export const rateLimitSchema = z
  .number({ error: 'must be a whole number from 1 to 100000' })
  .int('must be a whole number from 1 to 100000')
  .min(1, 'must be a whole number from 1 to 100000')
  .max(100_000, 'must be a whole number from 1 to 100000')
  .describe('Requests that KPay allows the API key in a minute');

/** Secrets and values that contain them. Their messages never show the value. */
export const secretSchema = z.string({ error: 'must be text' }).min(1, 'must not be empty');

/** A secret that is sent in an HTTP header. The message shows none of its characters. */
export const keySchema = secretSchema.regex(/^[\x20-\x7e]*$/, 'must be one line of ASCII characters');

/** A number written in an environment variable. */
export function numberSchema({ least, most, whole }: { least: number; most: number; whole: boolean }) {
  const kind = whole ? 'a whole number' : 'a number';
  return z.string().transform((text, context) => {
    const value = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
    context.addIssue(`must be ${kind} from ${least} to ${most}, not ${text}`);
    return z.NEVER;
  });
}

/** The origin of a web page, exactly as browsers send it. */
export const originSchema = z.string().refine((text) => /^https?:/.test(text) && URL.parse(text)?.origin === text, {
  error: 'must be origins such as https://desk.example, in small letters and with no path, * or slash at the end',
});

/** A list with commas in an environment variable. Empty items are dropped. */
export function listSchema<Item extends z.ZodType<unknown, string>>(item: Item) {
  return z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((each) => each.trim())
        .filter((each) => each !== ''),
    )
    .pipe(z.array(item));
}
