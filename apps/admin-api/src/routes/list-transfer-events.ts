import { type Ledger, presentEvent, listTransferEvents as readEvents } from '@kpay/transfers';
import type { Operation } from '../operation.ts';
import { requireTransfer } from '../require-transfer.ts';

/** GET /transfers/{id}/events: everything that happened to it, oldest first, in one page. */
export function listTransferEvents({ ledger }: { ledger: Ledger }): Operation {
  return {
    method: 'get',
    path: '/transfers/:id/events',
    async handle(request) {
      const { id } = await requireTransfer(ledger, request);
      const events = await readEvents(ledger, id);
      return { status: 200, body: { items: events.map(presentEvent), nextCursor: null } };
    },
  };
}
