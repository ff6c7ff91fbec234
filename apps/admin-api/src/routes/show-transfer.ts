import { type Ledger, presentTransfer, transferViewSchema } from '@kpay/transfers';
import { describeOperation, type Operation } from '../operation.ts';
import { requireTransfer } from '../require-transfer.ts';

export function showTransfer({ ledger }: { ledger: Ledger }): Operation {
  return describeOperation({
    name: 'showTransfer',
    method: 'get',
    path: '/transfers/{id}',
    scope: 'read',
    summary: 'Where a transfer is, why, and what is known of its money.',
    answer: { status: 200, schema: transferViewSchema },
    handle: async ({ id }) => ({ body: presentTransfer(await requireTransfer(ledger, id)) }),
  });
}
