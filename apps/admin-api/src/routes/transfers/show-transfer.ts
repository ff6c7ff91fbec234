import { type Ledger, transferViewSchema } from '@kpay/transfers';
import { requireTransfer } from '../../auth/rights.ts';
import { describeOperation, type Operation } from '../../http/operation.ts';
import { replyWith } from './transfer-reply.ts';

export function showTransfer({ ledger }: { ledger: Ledger }): Operation {
  return describeOperation({
    name: 'showTransfer',
    method: 'get',
    path: '/transfers/{id}',
    scope: 'read',
    summary: 'Show a transfer: its state, why it is there, and what is known about its money.',
    answer: { status: 200, schema: transferViewSchema, versioned: true },
    handle: async ({ id, caller }) => replyWith(await requireTransfer(ledger, caller, id), caller),
  });
}
