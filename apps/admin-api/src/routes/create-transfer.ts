import type { KpayAccount } from '@kpay/core';
import { transferWishSchema } from '@kpay/producer';
import { type AccountRules, acceptTransfer, type Ledger, type TransferRow, transferViewSchema } from '@kpay/transfers';
import { z } from 'zod';
import { describeOperation, type Operation } from '../operation.ts';
import { replyWithNew } from '../transfer-reply.ts';

export interface CreateTransferOptions {
  ledger: Ledger;
  accounts: ReadonlyMap<string, KpayAccount>;
  rules?: ReadonlyMap<string, AccountRules>;
  /** Tells the workers of an accepted transfer; it never throws. */
  tellWorkers(transfer: TransferRow): void;
}

const account = z
  .string()
  .regex(/^[a-z0-9-]{1,32}$/, 'must be the name of an account: 1 to 32 of a to z, 0 to 9 and -')
  .default('default');
const bodySchema = transferWishSchema.partial({ externalId: true }).extend({ account });

/** The answer means that the transfer is in the ledger; that it was sent is a later state of it. */
export function createTransfer({ ledger, accounts, rules, tellWorkers }: CreateTransferOptions): Operation {
  const names = new Set(accounts.keys());
  return describeOperation({
    name: 'createTransfer',
    method: 'post',
    path: '/transfers',
    scope: 'transfers:create',
    summary:
      'Make a transfer. 202: it is in the ledger and will be sent once, whatever happens. Needs an externalId or an Idempotency-Key; the same request again answers the same transfer.',
    body: bodySchema,
    idempotent: true,
    answer: { status: 202, schema: transferViewSchema, location: true, versioned: true },
    problems: ['idempotency_required', 'idempotency_conflict', 'spend_limit_exceeded'],
    async handle({ body: { account, ...wish }, idempotencyKey, caller: { owner, apiKey } }) {
      const order = {
        account,
        owner,
        body: wish,
        ...(idempotencyKey !== undefined && { idempotencyKey }),
        ...(apiKey && { apiKey }),
      };
      const { transfer, replayed } = await acceptTransfer(ledger, names, order, rules);
      if (!replayed) tellWorkers(transfer);
      return replyWithNew(transfer, replayed);
    },
  });
}
