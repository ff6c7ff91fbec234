import { type Ledger, presentTransfer } from '@kpay/transfers';
import type { Operation } from '../operation.ts';
import { requireTransfer } from '../require-transfer.ts';

/** GET /transfers/{id}. */
export function showTransfer({ ledger }: { ledger: Ledger }): Operation {
  return {
    method: 'get',
    path: '/transfers/:id',
    handle: async (request) => ({ status: 200, body: presentTransfer(await requireTransfer(ledger, request)) }),
  };
}
