import type { KpayAccount } from '@kpay/core';
import { type Ledger, moneyMoved, presentTransfer, replayTransfer as replay, type TransferRow } from '@kpay/transfers';
import { z } from 'zod';
import { parseIdempotencyKey } from '../idempotency-key.ts';
import type { Operation } from '../operation.ts';
import { parseBody } from '../parse-body.ts';
import { Problem } from '../problem.ts';
import { requireTransfer } from '../require-transfer.ts';

const bodySchema = z.strictObject({ externalId: z.string({ error: 'must be a string' }).optional() });

export interface ReplayTransferOptions {
  ledger: Ledger;
  accounts: ReadonlyMap<string, KpayAccount>;
  /** Tells the workers of an accepted transfer; it never throws. */
  tellWorkers(transfer: TransferRow): void;
}

/** POST /transfers/{id}/replay: a new, linked transfer of one that ended without moving money. */
export function replayTransfer({ ledger, accounts, tellWorkers }: ReplayTransferOptions): Operation {
  const names = new Set(accounts.keys());
  return {
    method: 'post',
    path: '/transfers/:id/replay',
    async handle(request, { owner }) {
      const { externalId } = parseBody(bodySchema, request.body);
      const idempotencyKey = parseIdempotencyKey(request);
      const { id } = await requireTransfer(ledger, request);
      const identity = {
        owner,
        ...(externalId !== undefined && { externalId }),
        ...(idempotencyKey !== undefined && { idempotencyKey }),
      };
      const replayed = await replay(ledger, names, id, identity);
      if (!replayed) throw new Problem('not_found', 'There is no transfer with this id.');
      if (replayed.outcome === 'not_replayable') {
        const { state } = replayed.transfer;
        throw new Problem(
          'not_replayable',
          `The transfer is ${state}: only one that ended without moving money can be made again.`,
          {
            moneyMoved: moneyMoved(state),
          },
        );
      }
      const { transfer, replayed: known } = replayed.acceptance;
      if (!known) tellWorkers(transfer);
      const headers = { location: `/v1/transfers/${transfer.id}`, ...(known && { 'idempotency-replayed': 'true' }) };
      return { status: 202, body: presentTransfer(transfer), headers };
    },
  };
}
