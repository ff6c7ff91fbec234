import type { KpayAccount } from '@kpay/core';
import { transferRequestSchema } from '@kpay/producer';
import { type Ledger, moneyMoved, type TransferRow, transferViewSchema } from '@kpay/transfers';
import { replayTransfer as replay } from '@kpay/transfers/operations';
import type { AccountRules } from '@kpay/transfers/worker';
import { z } from 'zod';
import { requireTransfer } from '../../auth/rights.ts';
import { describeOperation, type Operation } from '../../http/operation.ts';
import { Problem } from '../../problems/problem.ts';
import { replyWithNew } from './transfer-reply.ts';

const bodySchema = z.strictObject({ externalId: transferRequestSchema.shape.externalId.optional() });

export interface ReplayTransferOptions {
  ledger: Ledger;
  accounts: ReadonlyMap<string, KpayAccount>;
  rules?: ReadonlyMap<string, AccountRules>;
  /** Notifies the workers of an accepted transfer; it never throws. */
  notifyWorkers(transfer: TransferRow): void;
}

export function replayTransfer({ ledger, accounts, rules, notifyWorkers }: ReplayTransferOptions): Operation {
  const names = new Set(accounts.keys());
  return describeOperation({
    name: 'replayTransfer',
    method: 'post',
    path: '/transfers/{id}/replay',
    scope: 'transfers:create',
    summary: 'Replay a transfer that ended without moving money: make a new transfer, linked to the old one.',
    body: bodySchema,
    example: () => ({ externalId: 'first-transfer-again' }),
    idempotent: true,
    answer: { status: 202, schema: transferViewSchema, location: true, versioned: true },
    problems: ['idempotency_required', 'idempotency_conflict', 'not_replayable', 'spend_limit_exceeded'],
    async handle({ id, body: { externalId }, idempotencyKey, caller }) {
      await requireTransfer(ledger, caller, id);
      const { owner, apiKey, scopes } = caller;
      const identity = {
        owner,
        ownOnly: !scopes.has('read'),
        ...(externalId !== undefined && { externalId }),
        ...(idempotencyKey !== undefined && { idempotencyKey }),
        ...(apiKey && { apiKey }),
      };
      const replayed = await replay(ledger, names, id, identity, rules);
      if (!replayed) throw new Problem('not_found', 'There is no transfer with this id.');
      if (replayed.kind === 'already_replayed') {
        const why = scopes.has('read') ? replayed.why : 'it has been replayed already';
        throw new Problem('not_replayable', `This transfer cannot be replayed: ${why}.`, { moneyMoved: 'no' });
      }
      if (replayed.kind === 'not_replayable') {
        const { state, kpay_transfer_id: kpayTransferId } = replayed.transfer;
        throw new Problem(
          'not_replayable',
          `The transfer is ${state}: only one that ended without moving money can be replayed.`,
          {
            moneyMoved: moneyMoved(state, kpayTransferId),
          },
        );
      }
      const { transfer, replayed: known } = replayed.acceptance;
      if (!known) notifyWorkers(transfer);
      return replyWithNew(transfer, known, caller);
    },
  });
}
