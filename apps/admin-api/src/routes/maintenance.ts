import { instantSchema, nameSchema } from '@kpay/producer';
import { type Maintenance, reviewResolutions } from '@kpay/transfers/operations';
import { z } from 'zod';
import { requireAllAccounts } from '../auth/rights.ts';
import { describeOperation, type Operation } from '../http/operation.ts';
import { reasonSchema } from '../http/parse-body.ts';

const time = instantSchema.optional();
const settleSchema = z.strictObject({
  verdict: z.enum(reviewResolutions, { error: `must be one of ${reviewResolutions.join(', ')}` }),
  reason: reasonSchema,
  reasonCode: nameSchema(64).describe('The reason code of the transfers in review, such as `restored`.'),
  account: nameSchema(32).optional(),
  acceptedFrom: time,
  acceptedBefore: time,
});
const count = z.int().nonnegative();

/** Operations for the command line, in the process that alone has the stores. */
export function maintain(maintenance: Maintenance): readonly Operation[] {
  return [
    describeOperation({
      name: 'finishRestore',
      method: 'post',
      path: '/maintenance/finish-restore',
      scope: 'control',
      summary: 'After a restore of the ledger: move every unfinished transfer to review and send again. kpay restore finish.',
      body: z.strictObject({ unseen: z.boolean().optional() }),
      answer: { status: 200, schema: z.object({ outcome: z.enum(['finished', 'not_restored']), moved: count.optional() }) },
      async handle({ body: { unseen = false }, caller }) {
        requireAllAccounts(caller);
        return { body: await maintenance.finishRestore({ by: caller.owner, keyId: caller.apiKey?.id, unseen }) };
      },
    }),
    describeOperation({
      name: 'settleReviews',
      method: 'post',
      path: '/maintenance/settle-reviews',
      scope: 'transfers:resolve',
      summary: 'Resolve many transfers in review with one verdict. kpay restore settle.',
      body: settleSchema,
      answer: { status: 200, schema: z.object({ resolved: count, left: count }) },
      problems: ['ledger_restored', 'epoch_unavailable'],
      async handle({ body: { verdict, reason, reasonCode, account, acceptedFrom, acceptedBefore }, caller }) {
        requireAllAccounts(caller);
        const { resolved, skipped } = await maintenance.settle(
          {
            reasonCode,
            ...(account !== undefined && { account }),
            ...(acceptedFrom !== undefined && { acceptedFrom: new Date(acceptedFrom) }),
            ...(acceptedBefore !== undefined && { acceptedBefore: new Date(acceptedBefore) }),
          },
          { by: caller.owner, keyId: caller.apiKey?.id, verdict, reason },
        );
        return { body: { resolved, left: skipped } };
      },
    }),
    describeOperation({
      name: 'rebuildQueue',
      method: 'post',
      path: '/maintenance/rebuild-queue',
      scope: 'control',
      summary: 'Remove the advance jobs of all accounts and make them again from the ledger. kpay rebuild-queue.',
      body: z.strictObject({}),
      answer: {
        status: 200,
        schema: z.object({ accounts: z.array(z.object({ account: z.string(), thrownAway: count, made: count })) }),
      },
      async handle({ caller }) {
        requireAllAccounts(caller);
        return { body: { accounts: await maintenance.rebuildQueue() } };
      },
    }),
  ];
}
