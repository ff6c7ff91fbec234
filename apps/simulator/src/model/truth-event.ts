import * as z from 'zod';
import { ApplicationSpecSchema } from './application.ts';

const TransferRecordSchema = z.object({
  sequence: z.int(),
  id: z.string(),
  applicationId: z.string(),
  externalId: z.string().nullable(),
  description: z.string().nullable(),
  status: z.enum(['COMPLETED', 'FAILED', 'CANCELLED']),
  sourceCountry: z.string(),
  sourceCurrency: z.string(),
  destinationCountry: z.string(),
  destinationCurrency: z.string(),
  /** Decimal strings, in the wallets' currencies. */
  amount: z.string(),
  destinationAmount: z.string(),
  exchangeRate: z.number(),
  /** The JSON number of the request. */
  amountSent: z.number(),
  createdAt: z.iso.datetime(),
});
/** One transfer that moved money. */
export type TransferRecord = z.infer<typeof TransferRecordSchema>;

/**
 * Everything that can change the truth. The model decides, writes one of these, and only then applies it, so that a
 * journal of them gives the same truth again.
 */
export const TruthEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('application_added'), application: ApplicationSpecSchema }),
  z.object({ type: z.literal('keys_rotated'), applicationId: z.string(), apiKey: z.string(), secretKey: z.string() }),
  z.object({
    type: z.literal('balance_set'),
    applicationId: z.string(),
    country: z.string(),
    currency: z.string(),
    balance: z.string(),
    reservedBalance: z.string(),
  }),
  z.object({ type: z.literal('transfer_applied'), transfer: TransferRecordSchema }),
  z.object({ type: z.literal('transfer_undone'), id: z.string(), status: z.enum(['FAILED', 'CANCELLED']) }),
  z.object({ type: z.literal('id_burnt'), applicationId: z.string(), externalId: z.string() }),
  z.object({ type: z.literal('rate_set'), from: z.string(), to: z.string(), rate: z.number() }),
  z.object({
    type: z.literal('availability_set'),
    country: z.string(),
    provider: z.string(),
    operationType: z.string(),
    status: z.string(),
  }),
  z.object({ type: z.literal('reset') }),
]);
export type TruthEvent = z.infer<typeof TruthEventSchema>;
