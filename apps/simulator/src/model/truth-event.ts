import * as z from 'zod';
import { ApplicationSpecSchema } from './application.ts';

const TransferRecordSchema = z.object({
  /** From 1 up, in the order in which money moved. */
  sequence: z.int(),
  /** KPay's id of the transfer. */
  id: z.string(),
  /** Whose transfer it is. */
  applicationId: z.string(),
  /** The caller's own id; null when the request had none. */
  externalId: z.string().nullable(),
  /** The request's description; null when it had none. */
  description: z.string().nullable(),
  /** COMPLETED unless the control face undid it. */
  status: z.enum(['COMPLETED', 'FAILED', 'CANCELLED']),
  /** The country whose wallet paid. */
  sourceCountry: z.string(),
  /** The currency of that wallet. */
  sourceCurrency: z.string(),
  /** The country whose wallet received. */
  destinationCountry: z.string(),
  /** The currency of that wallet. */
  destinationCurrency: z.string(),
  /** What left, as decimal text in the source's currency. */
  amount: z.string(),
  /** What arrived, as decimal text in the destination's currency. */
  destinationAmount: z.string(),
  /** Units of the destination's currency for one of the source's. */
  exchangeRate: z.number(),
  /** The JSON number of the request. */
  amountSent: z.number(),
  /** When money moved: ISO 8601, by the simulated clock. */
  createdAt: z.iso.datetime(),
});
/** One transfer that moved money. */
export type TransferRecord = z.infer<typeof TransferRecordSchema>;

const applicationId = z.string();
const country = z.string();

/**
 * Everything that can change the truth. The model decides, writes one of these, and only then applies it, so that a
 * journal of them gives the same truth again.
 */
export const TruthEventSchema = z.discriminatedUnion('type', [
  z.object({
    /** What happened. */
    type: z.literal('application_added'),
    /** The application as it was asked for. */
    application: ApplicationSpecSchema,
  }),
  z.object({
    type: z.literal('keys_rotated'),
    /** Whose it is. */
    applicationId,
    /** The new API key. */
    apiKey: z.string(),
    /** The new secret. */
    secretKey: z.string(),
  }),
  z.object({
    type: z.literal('balance_set'),
    applicationId,
    /** The wallet's, or the operator's. */
    country,
    /** The wallet's. */
    currency: z.string(),
    /** Decimal text in that currency. */
    balance: z.string(),
    /** The same of what is reserved. */
    reservedBalance: z.string(),
  }),
  z.object({
    type: z.literal('transfer_applied'),
    /** The transfer that moved money. */
    transfer: TransferRecordSchema,
  }),
  z.object({
    type: z.literal('transfer_undone'),
    /** Of the transfer. */
    id: z.string(),
    /** How the transfer ended; of an operator, what it shows now. */
    status: z.enum(['FAILED', 'CANCELLED']),
  }),
  z.object({
    type: z.literal('id_burnt'),
    applicationId,
    /** Answered 409 from then on. */
    externalId: z.string(),
  }),
  z.object({
    type: z.literal('rate_set'),
    /** The currency of one unit. */
    from: z.string(),
    /** The currency of `rate` units. */
    to: z.string(),
    /** Units of `to` for one of `from`. */
    rate: z.number(),
  }),
  z.object({
    type: z.literal('availability_set'),
    country,
    /** The operator's code. */
    provider: z.string(),
    /** Such as `PAYOUT`. */
    operationType: z.string(),
    status: z.string(),
  }),
  z.object({ type: z.literal('reset') }),
]);
/** What changed the truth, as `KpayOptions.record` gets it. */
export type TruthEvent = z.infer<typeof TruthEventSchema>;
