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

/** A transfer as REST asks for it. */
export const orderSchema = transferRequestSchema.partial({ externalId: true }).extend({
  account,
  sourceCountry: countryField(transferRequestSchema.shape.sourceCountry),
  destinationCountry: countryField(transferRequestSchema.shape.destinationCountry),
});

/** The same as a line of a batch. */
export const batchLineSchema = orderSchema
  .extend({
    idempotencyKey: z.string().regex(IDEMPOTENCY_KEY, 'must be 1 to 255 visible ASCII characters without spaces').optional(),
  })
  .meta({ id: 'TransferOrder' });

/** One that is accepted where there are funds in Cameroon, as there are at the simulator. */
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
