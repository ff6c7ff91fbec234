import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openStage, type Stage } from '../../test/stage.ts';
import { type ReviewEvidence, reviewEvidence } from '../faces/operations.ts';
import { advanceTransfer, type TransferEngine } from '../faces/worker.ts';
import type { TransferRow } from '../index.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.reset());
afterAll(() => stage.close());

const never = new AbortController().signal;

/** In review after a send without an answer, applied by KPay or not, and a refusal. */
async function inReview(when: 'before' | 'after', engine: TransferEngine): Promise<TransferRow> {
  const { addFault } = stage.simulator.control;
  addFault({ match: { endpoint: 'transfer' }, times: 1, fault: { kind: 'drop', when } });
  const { id } = await stage.accept();
  await advanceTransfer(engine, id, never);
  addFault({ match: { endpoint: 'transfer' }, times: 1, fault: { kind: 'status', status: 403 } });
  const row = await stage.settle(id, engine);
  expect(row.state).toBe('review');
  return row;
}

async function evidenceOf(row: TransferRow): Promise<ReviewEvidence> {
  const evidence = await reviewEvidence(stage.ledger, row.id);
  if (!evidence) throw new Error('no evidence');
  return evidence;
}

describe('the evidence of a review', () => {
  it('has each send with its time and what KPay said', async () => {
    const row = await inReview('after', await stage.engine());
    const { attempts } = await evidenceOf(row);
    expect(attempts).toMatchObject([
      { number: 1, outcome: 'unknown' },
      { number: 2, outcome: 'refused', status: 403 },
    ]);
  });

  it('is not verifiable while no balance was seen after the last send', async () => {
    const { balance } = await evidenceOf(await inReview('after', await stage.engine()));
    expect(balance).toMatchObject({ verdict: 'not_verifiable', why: 'no balance was seen after the last send', after: null });
    expect(balance.before?.shown).toMatch(/^\d+$/);
  });

  it.each([
    ['after', 'points_to_moved'],
    ['before', 'points_to_not_moved'],
  ] as const)('a send that was lost %s KPay applied it: %s', async (when, verdict) => {
    const engine = await stage.engine();
    const row = await inReview(when, engine);
    await readBalanceAgain(engine);
    expect((await evidenceOf(row)).balance).toMatchObject({ verdict });
  });

  it('is not verifiable when another transfer of ours moved the currency in between', async () => {
    const engine = await stage.engine();
    const row = await inReview('after', engine);
    const { id } = await stage.accept({ externalId: 'another' });
    await advanceTransfer(engine, id, never);
    await readBalanceAgain(engine);
    expect((await evidenceOf(row)).balance).toMatchObject({
      verdict: 'not_verifiable',
      why: 'other transfers of ours moved this currency in between',
    });
  });
});

/** Records a later balance, which the checks of another transfer read. */
async function readBalanceAgain(engine: TransferEngine): Promise<void> {
  stage.ledger.passMs(60_000);
  await engine.account.observations.balance({ lane: 'checks', maxAgeMs: 0 });
  const { id } = await stage.accept({ externalId: 'looks' });
  await advanceTransfer(engine, id, never);
}
