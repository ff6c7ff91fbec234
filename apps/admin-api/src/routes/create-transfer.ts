import type { KpayAccount } from '@kpay/core';
import { acceptTransfer, InvalidRequest, type Ledger, presentTransfer, type TransferRow } from '@kpay/transfers';
import { parseIdempotencyKey } from '../idempotency-key.ts';
import type { Operation } from '../operation.ts';

export interface CreateTransferOptions {
  ledger: Ledger;
  accounts: ReadonlyMap<string, KpayAccount>;
  /** Tells the workers of an accepted transfer; it never throws. */
  tellWorkers(transfer: TransferRow): void;
}

/** POST /transfers. The answer means that the transfer is in the ledger; that it was sent is a later state of it. */
export function createTransfer({ ledger, accounts, tellWorkers }: CreateTransferOptions): Operation {
  const names = new Set(accounts.keys());
  return {
    method: 'post',
    path: '/transfers',
    async handle(request, { owner }) {
      const idempotencyKey = parseIdempotencyKey(request);
      const { account, wish } = splitBody(request.body);
      const order = { account, owner, body: wish, ...(idempotencyKey !== undefined && { idempotencyKey }) };
      const { transfer, replayed } = await acceptTransfer(ledger, names, order);
      if (!replayed) tellWorkers(transfer);
      return {
        status: 202,
        body: presentTransfer(transfer),
        headers: { location: `/v1/transfers/${transfer.id}`, ...(replayed && { 'idempotency-replayed': 'true' }) },
      };
    },
  };
}

/** The account stands beside the transfer in the body. What the rest means is for acceptTransfer to say. */
function splitBody(body: unknown): { account: string; wish: unknown } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return { account: 'default', wish: body };
  const { account = 'default', ...wish } = body as { account?: unknown };
  if (typeof account === 'string' && /^[a-z0-9-]{1,32}$/.test(account)) return { account, wish };
  throw new InvalidRequest('account', 'must be the name of an account: 1 to 32 of a to z, 0 to 9 and -');
}
