import { type Ledger, moneyMoved, presentTransfer, resolveReview } from '@kpay/transfers';
import { z } from 'zod';
import type { Operation } from '../operation.ts';
import { parseBody, reasonSchema } from '../parse-body.ts';
import { Problem } from '../problem.ts';
import { requireTransfer } from '../require-transfer.ts';

const bodySchema = z.strictObject({
  verdict: z.enum(['happened', 'not_happened', 'send_again'], { error: 'must be "happened", "not_happened" or "send_again"' }),
  reason: reasonSchema,
  evidence: z.string().trim().max(2_000, 'must be at most 2000 characters').optional(),
});

/** POST /transfers/{id}/resolve: what a person found out about a transfer in review. */
export function resolveTransfer({ ledger }: { ledger: Ledger }): Operation {
  return {
    method: 'post',
    path: '/transfers/:id/resolve',
    async handle(request, { owner }) {
      const { verdict, reason, evidence } = parseBody(bodySchema, request.body);
      const { id } = await requireTransfer(ledger, request);
      const resolution = { by: owner, verdict, reason, ...(evidence !== undefined && { evidence }) };
      const resolved = await resolveReview(ledger, id, resolution);
      if (!resolved) throw new Problem('not_found', 'There is no transfer with this id.');
      if (resolved.outcome === 'resolved') return { status: 200, body: presentTransfer(resolved.transfer) };
      const { state } = resolved.transfer;
      throw new Problem('not_in_review', `The transfer is ${state}: only one in review can be resolved.`, {
        moneyMoved: moneyMoved(state),
      });
    },
  };
}
