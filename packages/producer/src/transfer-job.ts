import * as z from 'zod';
import { nameSchema, textSchema, valueSchema } from './text.ts';

/** Entries are counted before one of them is looked at: a job's data is as long as whoever can write to Redis likes. */
function upTo<Schema extends z.ZodType>(most: number, schema: Schema): Schema {
  const count = (value: unknown, context: z.RefinementCtx) => {
    if (typeof value === 'object' && value !== null && Object.keys(value).length > most) {
      context.addIssue(`must have at most ${most} entries`);
    }
    return value;
  };
  // What it takes and gives is what the schema does.
  return z.preprocess(count, schema) as unknown as Schema;
}

const EARLIEST = Date.UTC(1970, 0, 1);
const LATEST = Date.UTC(9999, 0, 1);

/** A time from outside, within what every store and clock can hold: some ISO 8601 texts name a year 0 or 10000. */
export const instantSchema = z.iso
  .datetime({ offset: true, error: 'must be an ISO 8601 time with a zone, such as 2026-11-24T08:00:00Z' })
  .refine((text) => {
    const time = Date.parse(text);
    return time >= EARLIEST && time < LATEST;
  }, 'must be a time from 1970 to 9998');

/**
 * What somebody asks for when they want a transfer. Only the shape is checked here; what the values mean
 * (bounds, currencies, accounts) is decided when the worker or the API accepts it.
 *
 * Unknown fields are refused: a misspelt `minrate` that is silently dropped would send money at any rate.
 */
export const transferRequestSchema = z.strictObject({
  /** The caller's own id of this transfer, unique in its account for ever. */
  externalId: nameSchema(128),
  /** ISO 3166-1 alpha-3, such as `CMR`. */
  sourceCountry: z.string().trim().toUpperCase(),
  /** The same of the country that the money goes to. */
  destinationCountry: z.string().trim().toUpperCase(),
  /** In units of the source country's currency, such as `50000` or `"50000.00"`. */
  amount: z.union([z.string(), z.number()], { error: 'must be a number or a decimal string' }),
  /** 1 to 255 characters that go to KPay with the transfer. */
  description: textSchema(255).optional(),
  /** Do not send below this rate: units of the destination currency for one unit of the source currency. */
  minRate: z.union([z.string(), z.number()], { error: 'must be a number or a decimal string' }).optional(),
  /** The id of a quote of the admin API, whose floor takes the place of `minRate`. */
  quoteId: z.uuid('must be the id of a quote').optional(),
  /** `hold` (the default) waits for funds, `fail` gives up when the wallet does not hold enough. */
  onInsufficientFunds: z.enum(['hold', 'fail'], { error: 'must be "hold" or "fail"' }).optional(),
  /** Do not send before this time: ISO 8601 with a zone, such as `2026-11-24T08:00:00Z`. */
  notBefore: instantSchema.optional(),
  /** Give up when it is not sent by this time, which has the same form. */
  expiresAt: instantSchema.optional(),
  /** 0 to 9, 9 most urgent, 5 unless given. */
  priority: z.int('must be a whole number from 0 to 9').min(0, 'must be 0 to 9').max(9, 'must be 0 to 9').optional(),
  /** The caller's own labels; kept and shown, never sent to KPay. */
  metadata: upTo(
    50,
    z.record(nameSchema(64), valueSchema(500), {
      // Without this a bad key would only be called an invalid key.
      error: (issue) => (issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined),
    }),
  ).optional(),
});

/** The data of a job in `kpay-transfers-<account>`. */
export type TransferJobData = z.input<typeof transferRequestSchema>;

/** What a finished job returns. Amounts and rates are decimal strings. */
export const transferJobResultSchema = z.object({
  /** The ledger's id of the transfer. */
  transferId: z.string(),
  /** Only a transfer that succeeded has a result. */
  state: z.literal('succeeded'),
  /** KPay's own id of the transfer; null where a conflict or a person confirmed it. */
  kpayTransferId: z.string().nullable(),
  /** The rate that KPay applied, as decimal text; null where KPay's receipt is not known. */
  exchangeRate: z.string().nullable(),
  /** What arrived, in units of the destination's currency, as decimal text; null where KPay's receipt is not known. */
  destinationAmount: z.string().nullable(),
});
/** What a transfer that succeeded comes to. Amounts and rates are decimal strings. */
export type TransferJobResult = z.infer<typeof transferJobResultSchema>;

/** The progress of a job: its transfer, from when that is durable in the ledger and never lost, and why it failed. */
export const transferJobProgressSchema = z.object({
  /** The ledger's id of the transfer; absent while there is none. */
  accepted: z.string().optional(),
  /**
   * Why the job is about to fail, for programs: the transfer's reasonCode, or of a request that was refused `invalid_request` or
   * `idempotency_conflict`. Workers before 0.2 do not say it.
   */
  reasonCode: z.string().optional(),
});
/** What a job's progress says of its transfer. */
export type TransferJobProgress = z.infer<typeof transferJobProgressSchema>;
