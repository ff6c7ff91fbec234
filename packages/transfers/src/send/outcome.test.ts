import { describe, expect, it } from 'vitest';
import { transferRow } from '../../test/transfer-row.ts';
import type { TransferRow } from '../index.ts';
import type { Answer } from '../states/answer.ts';
import { outcomeOf, RESEND_FOR_MS } from './outcome.ts';

const now = new Date('2026-11-24T08:00:00Z');
const after = (ms: number) => new Date(now.getTime() + ms);
const context = { now, attemptStartedAt: after(-2_000), conflictConfirmMs: 60_000, random: () => 1 };
const lease = { attempts: 1, lease_until: after(40_000), send_body: '{}', due_at: after(40_000) };

const first = (changes: Partial<TransferRow> = {}) => transferRow({ ...lease, state: 'submitting', ...changes });
const again = (changes: Partial<TransferRow> = {}) =>
  transferRow({ ...lease, attempts: 2, state: 'unconfirmed', possibly_sent: true, unknown_since: after(-60_000), ...changes });

const receipt = {
  id: 'kp-1',
  externalId: null,
  exchangeRate: '1.0153',
  sourceTransaction: null,
  destinationTransaction: { id: null, reference: null, amount: { amountMinor: 101_530n, currency: 'XOF' }, country: 'SEN' },
  createdAt: null,
  description: null,
  raw: '{}',
} as unknown as Extract<Answer, { kind: 'succeeded' }>['receipt'];

const answers = {
  '201': { kind: 'succeeded', receipt },
  '409': { kind: 'conflict', status: 409 },
  '422': { kind: 'insufficient_funds', status: 422 },
  '400': { kind: 'refused', status: 400 },
  '403': { kind: 'refused', status: 403 },
  '404': { kind: 'refused', status: 404 },
  '401': { kind: 'unauthorized', status: 401 },
  '429': { kind: 'rate_limited', status: 429, retryAfterMs: 7_000 },
  'never connected': { kind: 'not_sent', detail: 'not_connected' },
  timeout: { kind: 'unknown', detail: 'timeout' },
  reset: { kind: 'unknown', detail: 'connection_lost' },
  '5xx': { kind: 'unknown', detail: 'server_error', status: 503 },
  unreadable: { kind: 'unknown', detail: 'unreadable', status: 201 },
  'any other status': { kind: 'unknown', detail: 'unexpected_status', status: 302 },
  'an expired lease': { kind: 'unknown', detail: 'lease_expired' },
  'not completed': { kind: 'not_completed', status: 201, detail: 'FAILED' },
  'a lost answer': { kind: 'answer_lost', detail: 'refused' },
} as const satisfies Record<string, Answer>;

describe('the outcome table, nothing ever possibly sent', () => {
  it.each([
    ['201', 'succeeded', {}],
    ['409', 'review', {}],
    ['422', 'holding', { refused_before: true }],
    ['400', 'failed', { refused_before: true }],
    ['403', 'failed', { refused_before: true }],
    ['404', 'failed', { refused_before: true }],
    ['401', 'queued', { unauthorized: 1, due_at: now }],
    ['429', 'queued', { due_at: after(7_000) }],
    ['never connected', 'queued', { due_at: after(1_000), tries: 1 }],
    ['timeout', 'unconfirmed', { possibly_sent: true, unknown_since: after(-2_000), due_at: after(5_000) }],
    ['reset', 'unconfirmed', { possibly_sent: true }],
    ['5xx', 'unconfirmed', { possibly_sent: true }],
    ['unreadable', 'unconfirmed', { possibly_sent: true }],
    ['any other status', 'unconfirmed', { possibly_sent: true }],
    ['an expired lease', 'unconfirmed', { possibly_sent: true }],
    ['not completed', 'review', { possibly_sent: true, refused_before: true }],
    ['a lost answer', 'review', { possibly_sent: true, refused_before: true }],
  ] as const)('%s: %s', (answer, to, set) => {
    const outcome = outcomeOf(first(), answers[answer], context);
    expect(outcome.to).toBe(to);
    expect(outcome.set ?? {}).toMatchObject(set);
  });

  it('422: failed when the transfer asked for that', () => {
    expect(outcomeOf(first({ on_insufficient_funds: 'fail' }), answers['422'], context)).toMatchObject({
      to: 'failed',
      reasonCode: 'insufficient_funds',
    });
  });

  it('401 again after a new token: holding and an alarm', () => {
    const outcome = outcomeOf(first({ unauthorized: 1 }), answers['401'], context);
    expect(outcome).toMatchObject({ to: 'holding', reasonCode: 'unauthorized', alarm: expect.stringContaining('401') });
  });

  it('201: keeps the receipt, the applied rate and the credited amount', () => {
    expect(outcomeOf(first({ min_rate: '1.02' }), answers['201'], context)).toMatchObject({
      detail: { appliedRate: '1.0153', belowMinRate: true },
      set: { confirmed_by: 'answer', kpay_transfer_id: 'kp-1', exchange_rate: '1.0153', destination_amount_minor: '101530' },
    });
  });
});

describe('a receipt that is not what was asked', () => {
  const leg = (amountMinor: bigint, currency: string, country: string) => ({
    id: null,
    reference: null,
    type: null,
    amount: { amountMinor, currency },
    country,
  });
  const row = first();
  const sourceTransaction = leg(BigInt(row.amount_minor), row.currency, row.source_country);
  const agreed = { ...receipt, externalId: row.kpay_external_id, sourceTransaction };

  it('agrees: no alarm', () => {
    expect(outcomeOf(row, { kind: 'succeeded', receipt: agreed }, context)).not.toHaveProperty('alarm');
  });

  it.each([
    ['externalId', { externalId: 'another' }],
    ['amount sent', { sourceTransaction: { ...sourceTransaction, amount: { amountMinor: 1n, currency: row.currency } } }],
    ['source country', { sourceTransaction: { ...sourceTransaction, country: 'GAB' } }],
    ['currency received', { destinationTransaction: leg(101_530n, 'XAF', 'SEN') }],
    ['destination country', { destinationTransaction: leg(101_530n, 'XOF', 'CIV') }],
  ])('another %s: succeeded all the same, with an alarm that names it', (field, changes) => {
    const outcome = outcomeOf(row, { kind: 'succeeded', receipt: { ...agreed, ...changes } }, context);
    expect(outcome).toMatchObject({
      to: 'succeeded',
      alarm: expect.stringContaining(field),
      detail: { receiptDifferences: [expect.stringContaining(field)] },
    });
  });
});

describe('the outcome table, possibly sent', () => {
  it.each([
    ['201', 'succeeded', { confirmed_by: 'answer' }],
    ['409', 'unconfirmed', { first_conflict_at: now, due_at: after(60_000) }],
    ['422', 'review', { refused_before: true }],
    ['400', 'review', { refused_before: true }],
    ['403', 'review', { refused_before: true }],
    ['404', 'review', { refused_before: true }],
    ['401', 'unconfirmed', { unauthorized: 1, due_at: now }],
    ['429', 'unconfirmed', { due_at: after(7_000) }],
    ['never connected', 'unconfirmed', { due_at: after(10_000) }],
    ['timeout', 'unconfirmed', { due_at: after(10_000) }],
    ['reset', 'unconfirmed', {}],
    ['5xx', 'unconfirmed', {}],
    ['unreadable', 'unconfirmed', {}],
    ['any other status', 'unconfirmed', {}],
    ['an expired lease', 'unconfirmed', {}],
  ] as const)('%s: %s', (answer, to, set) => {
    const outcome = outcomeOf(again(), answers[answer], context);
    expect(outcome.to).toBe(to);
    expect(outcome.set ?? {}).toMatchObject(set);
  });

  it('401 again after a new token: still unconfirmed, and an alarm', () => {
    const outcome = outcomeOf(again({ unauthorized: 1 }), answers['401'], context);
    expect(outcome).toMatchObject({ to: 'unconfirmed', alarm: expect.stringContaining('401') });
  });

  it('no answer ends the re-sends of the first 24 hours; the next one is a review', () => {
    const due = after(10_000).getTime();
    const inTime = new Date(due - RESEND_FOR_MS);
    expect(outcomeOf(again({ unknown_since: inTime }), answers.timeout, context).to).toBe('unconfirmed');
    const tooLate = new Date(due - RESEND_FOR_MS - 1);
    expect(outcomeOf(again({ unknown_since: tooLate }), answers.timeout, context)).toMatchObject({
      to: 'review',
      reasonCode: 'unconfirmed_too_long',
    });
  });
});

describe('a 409 as proof', () => {
  it('waits for a second one that comes at least the confirming time after the first', () => {
    const row = again({ first_conflict_at: after(-59_999) });
    expect(outcomeOf(row, answers['409'], context)).toMatchObject({ to: 'unconfirmed', set: { due_at: after(1) } });
  });

  it('confirms with the second: succeeded without a receipt', () => {
    const row = again({ first_conflict_at: after(-60_000) });
    const outcome = outcomeOf(row, answers['409'], context);
    expect(outcome).toMatchObject({ to: 'succeeded', set: { confirmed_by: 'conflict' } });
    expect(outcome.set).not.toHaveProperty('kpay_transfer_id');
  });

  it('starts again after a lost answer: that call may be what holds the id', () => {
    const row = again({ first_conflict_at: after(-30_000) });
    for (const answer of ['timeout', '5xx', 'an expired lease'] as const) {
      expect(outcomeOf(row, answers[answer], context).set).toMatchObject({ first_conflict_at: null });
    }
    for (const answer of ['401', '429', 'never connected'] as const) {
      expect(outcomeOf(row, answers[answer], context).set).not.toHaveProperty('first_conflict_at');
    }
  });

  it('never proves anything once the id was refused', () => {
    const row = again({ refused_before: true, first_conflict_at: after(-60_000) });
    expect(outcomeOf(row, answers['409'], context)).toMatchObject({ to: 'review', reasonCode: 'conflict_unprovable' });
  });
});
