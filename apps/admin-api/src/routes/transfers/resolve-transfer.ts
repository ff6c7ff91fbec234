import { valueSchema } from '@kpay/producer';
import { type Ledger, moneyMoved, transferViewSchema } from '@kpay/transfers';
import { resolveReview, reviewResolutions } from '@kpay/transfers/operations';
import type { EpochWitness } from '@kpay/transfers/worker';
import { z } from 'zod';
import { requireTransfer } from '../../auth/rights.ts';
import { describeOperation, type Operation } from '../../http/operation.ts';
import { reasonSchema } from '../../http/parse-body.ts';
import { Problem } from '../../problems/problem.ts';
import { changedMeanwhile, replyWith } from './transfer-reply.ts';

const bodySchema = z.strictObject({
  verdict: z.enum(reviewResolutions, { error: `must be one of ${reviewResolutions.join(', ')}` }),
  reason: reasonSchema,
  evidence: valueSchema(2_000).trim().optional(),
});

export function resolveTransfer({ ledger, epochWitness }: { ledger: Ledger; epochWitness: EpochWitness }): Operation {
  return describeOperation({
    name: 'resolveTransfer',
    method: 'post',
    path: '/transfers/{id}/resolve',
    scope: 'transfers:resolve',
    summary: 'Resolve a transfer in review by what a person found at KPay, or have it sent again under the same id.',
    body: bodySchema,
    example: () => ({ verdict: 'happened', reason: 'seen in the dashboard' }),
    conditional: true,
    answer: { status: 200, schema: transferViewSchema, versioned: true },
    problems: ['not_in_review', 'ledger_restored', 'epoch_unavailable'],
    async handle({ id, body: { verdict, reason, evidence }, version, caller }) {
      await requireTransfer(ledger, caller, id);
      const resolution = {
        by: caller.owner,
        keyId: caller.apiKey?.id,
        version,
        verdict,
        reason,
        ...(evidence !== undefined && { evidence }),
      };
      const resolved = await resolveReview(ledger, epochWitness, id, resolution);
      if (!resolved) throw new Problem('not_found', 'There is no transfer with this id.');
      if (resolved.outcome === 'resolved') return replyWith(resolved.transfer, caller);
      if (resolved.outcome === 'changed') throw changedMeanwhile(resolved.transfer);
      const { state, kpay_transfer_id: kpayTransferId } = resolved.transfer;
      throw new Problem('not_in_review', `The transfer is ${state}: only one in review can be resolved.`, {
        moneyMoved: moneyMoved(state, kpayTransferId),
      });
    },
  });
}
