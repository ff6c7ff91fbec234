import { decimalSchema, type Ledger, transferViewSchema } from '@kpay/transfers';
import { type ReviewEvidence, reviewEvidence } from '@kpay/transfers/operations';
import { z } from 'zod';
import { requireTransfer } from '../../auth/rights.ts';
import { describeOperation, type Operation } from '../../http/operation.ts';
import { Problem } from '../../problems/problem.ts';
import { replyWith } from './transfer-reply.ts';

const time = z.iso.datetime();
const seenBalance = z.strictObject({ shown: decimalSchema, askedAt: time }).nullable();
const evidenceSchema = z
  .strictObject({
    transfer: transferViewSchema,
    attempts: z.array(
      z.strictObject({
        number: z.int(),
        worker: z.string(),
        startedAt: time,
        endedAt: time.nullable().describe('Null while it is under way, or when its process died.'),
        leaseUntil: time.describe('The request was not written after this time.'),
        outcome: z.string().nullable().describe('The outcome: `succeeded`, `unknown`, `refused`, `conflict` …'),
        status: z.int().nullable().describe("The HTTP status of KPay's answer."),
        detail: z.string().nullable(),
        bodyHash: z.string().describe('SHA-256 of the request. All attempts of a transfer have the same.'),
      }),
    ),
    balance: z.strictObject({
      before: seenBalance.describe('The last balance that was seen before the first send.'),
      after: seenBalance.describe('The first balance that was seen after the last send.'),
      verdict: z
        .enum(['points_to_moved', 'points_to_not_moved', 'not_verifiable'])
        .describe('Never a proof: others can move money of a wallet, too.'),
      why: z.string(),
    }),
  })
  .meta({ id: 'ReviewEvidence' });

export function showReviewEvidence({ ledger }: { ledger: Ledger }): Operation {
  return describeOperation({
    name: 'showReviewEvidence',
    method: 'get',
    path: '/transfers/{id}/evidence',
    scope: 'read',
    summary:
      'Show what the ledger knows about the sends of a transfer, for the person who resolves its review. KPay is not asked.',
    answer: { status: 200, schema: evidenceSchema, versioned: true },
    async handle({ id, caller }) {
      const found = await requireTransfer(ledger, caller, id);
      const evidence = await reviewEvidence(ledger, found.id);
      if (!evidence) throw new Problem('not_found', 'There is no transfer with this id.');
      const { body: transfer, headers } = replyWith(evidence.transfer, caller);
      return { body: { transfer, attempts: evidence.attempts.map(presentAttempt), balance: presentBalance(evidence) }, headers };
    },
  });
}

function presentAttempt(attempt: ReviewEvidence['attempts'][number]) {
  return {
    number: attempt.number,
    worker: attempt.worker,
    startedAt: attempt.started_at.toISOString(),
    endedAt: attempt.ended_at?.toISOString() ?? null,
    leaseUntil: attempt.lease_until.toISOString(),
    outcome: attempt.outcome,
    status: attempt.status,
    detail: attempt.detail,
    bodyHash: attempt.body_hash,
  };
}

function presentBalance({ balance }: ReviewEvidence) {
  const seen = (one: ReviewEvidence['balance']['before']) =>
    one && { shown: one.shown, askedAt: new Date(one.askedAt).toISOString() };
  return { ...balance, before: seen(balance.before), after: seen(balance.after) };
}
