import { type Ledger, presentEvent, listTransferEvents as readEvents, transferEventViewSchema } from '@kpay/transfers';
import { requireTransfer } from '../../auth/rights.ts';
import { describeOperation, type Operation } from '../../http/operation.ts';
import { pageOf } from '../../http/page.ts';

export function listTransferEvents({ ledger }: { ledger: Ledger }): Operation {
  return describeOperation({
    name: 'listTransferEvents',
    method: 'get',
    path: '/transfers/{id}/events',
    scope: 'read',
    summary: 'List all events of a transfer, oldest first, in one page.',
    answer: { status: 200, schema: pageOf(transferEventViewSchema) },
    async handle({ id, caller }) {
      const transfer = await requireTransfer(ledger, caller, id);
      const events = await readEvents(ledger, transfer.id);
      return { body: { items: events.map(presentEvent), nextCursor: null } };
    },
  });
}
