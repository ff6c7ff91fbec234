import { InvalidArgumentError, type KpayAccount, KpayError, RejectedError } from '@kpay/core';
import { z } from 'zod';
import { requireAccount } from '../../auth/rights.ts';
import { describeOperation, type Operation } from '../../http/operation.ts';
import { accountParameter } from '../../http/parse-query.ts';
import { Problem } from '../../problems/problem.ts';

const bodySchema = z.strictObject({
  account: accountParameter,
  phoneNumber: z
    .string({ error: 'must be a phone number' })
    .trim()
    .regex(/^\+?[\d ().-]{4,30}$/, 'must be a phone number, in national or international form'),
});
const predictionSchema = z
  .strictObject({
    account: z.string(),
    country: z.string(),
    provider: z.string(),
    phoneNumber: z.string().nullable().describe('Digits only.'),
    known: z.boolean().describe('Whether country and provider are in our catalogue.'),
  })
  .meta({ id: 'PredictedProvider' });

// How long a person waits for a guess.
const PATIENCE_MS = 5_000;

export function predictProvider({ accounts }: { accounts: ReadonlyMap<string, KpayAccount> }): Operation {
  return describeOperation({
    name: 'predictProvider',
    method: 'post',
    path: '/providers/predict',
    scope: 'read',
    summary: "Get KPay's guess of the operator of a phone number. KPay is asked each time, and the number is not stored.",
    body: bodySchema,
    example: (account) => ({ ...(account !== 'default' && { account }), phoneNumber: '237653456789' }),
    answer: { status: 200, schema: predictionSchema },
    problems: ['not_found', 'kpay_unavailable'],
    async handle({ body: { account: name, phoneNumber }, caller, signal }) {
      const account = requireAccount(accounts, caller, name, 'in the body');
      try {
        const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
        const prediction = await account.client.predictProvider(phoneNumber, { lane: 'people', signal: patience });
        return { body: { account: name, ...prediction } };
      } catch (error) {
        throw ofKpay(error);
      }
    },
  });
}

function ofKpay(error: unknown): unknown {
  const isRefused = error instanceof RejectedError && (error.status === 400 || error.status === 404);
  if (isRefused || error instanceof InvalidArgumentError) {
    return new Problem('not_found', 'KPay knows no operator for this number.');
  }
  if (!(error instanceof KpayError)) return error;
  return new Problem('kpay_unavailable', 'KPay does not answer now.', { headers: { 'retry-after': '10' }, cause: error });
}
