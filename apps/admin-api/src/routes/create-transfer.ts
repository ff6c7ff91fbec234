import type { KpayAccount } from '@kpay/core';
import type { Logger } from '@kpay/runtime';
import { acceptTransfer, InvalidRequest, type Ledger, presentTransfer, type TransferRow } from '@kpay/transfers';
import type { Operation } from '../operation.ts';
import { invalidParameter } from '../parse-query.ts';

export interface CreateTransferOptions {
  ledger: Ledger;
  accounts: ReadonlyMap<string, KpayAccount>;
  /** Tells the workers of an accepted transfer. */
  hint(transfer: TransferRow): Promise<void>;
  logger: Logger;
}

// Without spaces, so that the header given twice, which Node joins by a comma and a space, is refused.
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** POST /transfers. The answer means that the transfer is in the ledger; that it was sent is a later state of it. */
export function createTransfer({ ledger, accounts, hint, logger }: CreateTransferOptions): Operation {
  const names = new Set(accounts.keys());
  // The sweep finds every due row, so a queue that is away costs a second, not the transfer. Nobody waits for it.
  const tellWorkers = async (transfer: TransferRow) => {
    try {
      await hint(transfer);
    } catch (error) {
      logger.warn({ err: error, transferId: transfer.id }, 'the workers could not be told of a transfer; the sweep will find it');
    }
  };
  return {
    method: 'post',
    path: '/transfers',
    async handle(request, { owner }) {
      const idempotencyKey = parseIdempotencyKey(request.get('idempotency-key'));
      const { account, wish } = splitBody(request.body);
      const order = { account, owner, body: wish, ...(idempotencyKey !== undefined && { idempotencyKey }) };
      const { transfer, replayed } = await acceptTransfer(ledger, names, order);
      if (!replayed) void tellWorkers(transfer);
      return {
        status: 202,
        body: presentTransfer(transfer),
        headers: { location: `/v1/transfers/${transfer.id}`, ...(replayed && { 'idempotency-replayed': 'true' }) },
      };
    },
  };
}

function parseIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined || IDEMPOTENCY_KEY.test(header)) return header;
  throw invalidParameter('Idempotency-Key', 'must be 1 to 255 visible ASCII characters without spaces, and given once');
}

/** The account stands beside the transfer in the body. What the rest means is for acceptTransfer to say. */
function splitBody(body: unknown): { account: string; wish: unknown } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return { account: 'default', wish: body };
  const { account = 'default', ...wish } = body as { account?: unknown };
  if (typeof account === 'string' && /^[a-z0-9-]{1,32}$/.test(account)) return { account, wish };
  throw new InvalidRequest('account', 'must be the name of an account: 1 to 32 of a to z, 0 to 9 and -');
}
