import { cancelTransfer as cancel, type Ledger, moneyMoved, presentTransfer } from '@kpay/transfers';
import { z } from 'zod';
import type { Operation } from '../operation.ts';
import { parseBody, reasonSchema } from '../parse-body.ts';
import { Problem } from '../problem.ts';
import { requireTransfer } from '../require-transfer.ts';

const bodySchema = z.strictObject({ reason: reasonSchema.optional() });

/** POST /transfers/{id}/cancel. It races the send, and the answer says which of the two won. */
export function cancelTransfer({ ledger }: { ledger: Ledger }): Operation {
  return {
    method: 'post',
    path: '/transfers/:id/cancel',
    async handle(request, { owner }) {
      const { reason } = parseBody(bodySchema, request.body);
      const { id } = await requireTransfer(ledger, request);
      const cancellation = await cancel(ledger, id, { by: owner, ...(reason !== undefined && { reason }) });
      if (!cancellation) throw new Problem('not_found', 'There is no transfer with this id.');
      const { outcome, transfer } = cancellation;
      if (outcome === 'cancelled') return { status: 200, body: presentTransfer(transfer) };
      throw new Problem('too_late', `The transfer is ${transfer.state}: it can be cancelled only before it is sent.`, {
        moneyMoved: moneyMoved(transfer.state),
      });
    },
  };
}
