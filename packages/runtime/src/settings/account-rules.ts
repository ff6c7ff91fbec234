import { z } from 'zod';

const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const AMOUNT = 'must be an amount such as 5000000';
const hourSchema = z
  .string({ error: 'must be a time such as 08:00' })
  .regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'must be a time such as 08:00');

export const sendWindowSchema = z
  .strictObject(
    {
      timeZone: z
        .string({ error: 'must be a time zone such as Africa/Douala' })
        .refine(isTimeZone, 'must be a time zone such as Africa/Douala'),
      days: z
        .array(z.enum(days, { error: `must be one of ${days.join(', ')}` }), { error: 'must be a list of days' })
        .min(1, 'must have at least one day'),
      from: hourSchema.refine((from) => from !== '24:00', 'must be a time such as 08:00'),
      to: hourSchema.describe('Not later than from: of the next day'),
    },
    { error: 'must be an object' },
  )
  .refine(({ from, to }) => from !== to, { path: ['to'], message: 'must not be the same as from (all day is 00:00 to 24:00)' })
  .describe('When transfers are sent, in a time zone; KPAY_SEND_WINDOW by default');

export const spendLimitSchema = z
  .strictObject({
    currency: z.string({ error: 'must be a currency such as XAF' }).regex(/^[A-Z]{3}$/, 'must be a currency such as XAF'),
    amount: z
      .union([z.string().regex(/^\d+(\.\d+)?$/, AMOUNT), z.number().positive(AMOUNT)], { error: AMOUNT })
      .describe('In units of the currency'),
    hours: z
      .number({ error: 'must be a whole number of hours from 1 to 8760' })
      .int('must be a whole number of hours from 1 to 8760')
      .min(1, 'must be a whole number of hours from 1 to 8760')
      .max(8_760, 'must be a whole number of hours from 1 to 8760'),
    corridor: z
      .string({ error: 'must be two countries such as CMR-GAB' })
      .regex(/^[A-Z]{3}-[A-Z]{3}$/, 'must be two countries such as CMR-GAB')
      .optional()
      .describe('Such as CMR-GAB; by default every corridor of the currency together'),
  })
  .describe('The most that may be sent in any period of this many hours');

export type SendWindowSetting = z.infer<typeof sendWindowSchema>;
export type SpendLimitSetting = z.infer<typeof spendLimitSchema>;

/** `Africa/Douala mon,tue,wed 08:00-18:00` in an environment variable. */
export const sendWindowText = z
  .string()
  .transform((text, context): unknown => {
    const [, timeZone, listed = '', from, to] = /^(\S+) +(\S+) +(\S+?)-(\S+)$/.exec(text) ?? [];
    if (timeZone !== undefined) return { timeZone, days: listed.split(','), from, to };
    context.addIssue('must be like Africa/Douala mon,tue,wed,thu,fri 08:00-18:00');
    return z.NEVER;
  })
  .pipe(sendWindowSchema);

/** `XAF:5000000:24,XAF:1000000:24:CMR-GAB` in an environment variable: currency, amount, hours, corridor. */
export const spendLimitsText = z
  .string()
  .transform((text): unknown =>
    text
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '')
      .map((each) => {
        const [currency, amount, hours, corridor] = each.split(':');
        return { currency, amount, hours: Number(hours), ...(corridor !== undefined && { corridor }) };
      }),
  )
  .pipe(z.array(spendLimitSchema));

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
