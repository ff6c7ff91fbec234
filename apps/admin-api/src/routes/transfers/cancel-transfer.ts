import { type Ledger, moneyMoved, transferViewSchema } from '@kpay/transfers';
import { cancelTransfer as cancel } from '@kpay/transfers/operations';
import type { EpochWitness } from '@kpay/transfers/worker';
import { z } from 'zod';
import { requireTransfer } from '../../auth/rights.ts';
import { describeOperation, type Operation } from '../../http/operation.ts';
import { reasonSchema } from '../../http/parse-body.ts';
import { Problem } from '../../problems/problem.ts';
import { changedMeanwhile, replyWith } from './transfer-reply.ts';

/** Cancels a transfer. It races with the send, and the answer says which of the two won. */
export function cancelTransfer({ ledger, epochWitness }: { ledger: Ledger; epochWitness: EpochWitness }): Operation {
  return describeOperation({
    name: 'cancelTransfer',
    method: 'post',
    path: '/transfers/{id}/cancel',
    scope: 'control',
    summary: 'Cancel a transfer that was not sent yet. Cancelling a cancelled transfer again is no error.',
    body: z.strictObject({ reason: reasonSchema.optional() }),
    example: () => ({ reason: 'not needed any more' }),
    conditional: true,
    answer: { status: 200, schema: transferViewSchema, versioned: true },
    problems: ['too_late', 'ledger_restored', 'epoch_unavailable'],
    async handle({ id, body: { reason }, version, caller }) {
      await requireTransfer(ledger, caller, id);
      const order = { by: caller.owner, keyId: caller.apiKey?.id, version, ...(reason !== undefined && { reason }) };
      const cancellation = await cancel(ledger, epochWitness, id, order);
      if (!cancellation) throw new Problem('not_found', 'There is no transfer with this id.');
      const { outcome, transfer } = cancellation;
      if (outcome === 'changed') throw changedMeanwhile(transfer);
      if (outcome === 'cancelled') return replyWith(transfer, caller);
      throw new Problem('too_late', `The transfer is ${transfer.state}: it can be cancelled only before it is sent.`, {
        moneyMoved: moneyMoved(transfer.state, transfer.kpay_transfer_id),
      });
    },
  });
}
