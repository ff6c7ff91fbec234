import { transferRequestSchema } from '@kpay/producer/request';
import type { TransferOrder } from '@kpay/transfers';
import { z } from 'zod';
import type { Caller } from '../../auth/caller.ts';
import { IDEMPOTENCY_KEY } from '../../http/idempotency-key.ts';
import { countryField } from '../../http/known-codes.ts';

const account = z
  .string()
  .regex(/^[a-z0-9-]{1,32}$/, 'must be the name of an account: 1 to 32 of a to z, 0 to 9 and -')
  .default('default');

/** The schema of a transfer request over REST. */
export const orderSchema = transferRequestSchema.partial({ externalId: true }).extend({
  account,
  sourceCountry: countryField(transferRequestSchema.shape.sourceCountry),
  destinationCountry: countryField(transferRequestSchema.shape.destinationCountry),
});

/** The schema of a line of a batch. */
export const batchLineSchema = orderSchema
  .extend({
    idempotencyKey: z.string().regex(IDEMPOTENCY_KEY, 'must be 1 to 255 visible ASCII characters without spaces').optional(),
  })
  .meta({ id: 'TransferOrder' });

/** An example that is accepted when Cameroon's wallet has funds, as at the simulator. */
export function orderExample(account: string): Record<string, unknown> {
  return { ...(account !== 'default' && { account }), sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
}

export function orderOf(
  { account, ...body }: z.infer<typeof orderSchema>,
  { owner, apiKey, scopes }: Caller,
  idempotencyKey: string | undefined,
): TransferOrder {
  return {
    account,
    owner,
    body,
    ownOnly: !scopes.has('read'),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(apiKey && { apiKey }),
  };
}
