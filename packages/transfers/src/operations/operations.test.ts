import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openStage, order, type Stage } from '../../test/stage.ts';
import { cancelTransfer, liftPause, pause, replayTransfer, resolveReview } from '../faces/operations.ts';
import { advanceTransfer } from '../faces/worker.ts';
import { IdempotencyConflict, listTransferEvents, type TransferRow } from '../index.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.reset());
afterAll(() => stage.close());

const never = new AbortController().signal;
const accounts = new Set(['default']);
const ann = { by: 'ann' };

function failNextSend(status: number): void {
  stage.simulator.control.addFault({ match: { endpoint: 'transfer' }, times: 1, fault: { kind: 'status', status } });
}

/** In review because KPay refused a repeated send after one that it applied without an answer. */
async function inReview(): Promise<TransferRow> {
  const engine = await stage.engine();
  stage.simulator.control.addFault({ match: { endpoint: 'transfer' }, times: 1, fault: { kind: 'drop', when: 'after' } });
  const { id } = await stage.accept();
  await advanceTransfer(engine, id, never);
  failNextSend(403);
  const row = await stage.settle(id, engine);
  expect(row).toMatchObject({ state: 'review', possibly_sent: true });
  return row;
}

describe('cancelling', () => {
  it('ends what was not sent, and nothing is sent afterwards', async () => {
    const { id } = await stage.accept();
    expect(await cancelTransfer(stage.ledger, stage.epochWitness, id, { by: 'ann', reason: 'wrong country' })).toMatchObject({
      outcome: 'cancelled',
      transfer: { state: 'cancelled', reason: 'cancelled by ann: wrong country' },
    });
    expect(await advanceTransfer(await stage.engine(), id, never)).toBeUndefined();
    expect(stage.effects(await stage.find(id))).toBe(0);
    expect(await cancelTransfer(stage.ledger, stage.epochWitness, id, ann)).toMatchObject({ outcome: 'cancelled' });
  });

  it.each(['succeeded', 'unconfirmed'])('is too late for what is %s, and says so', async (state) => {
    if (state === 'unconfirmed') failNextSend(503);
    const { id } = await stage.accept();
    await advanceTransfer(await stage.engine(), id, never);
    expect(await cancelTransfer(stage.ledger, stage.epochWitness, id, ann)).toMatchObject({
      outcome: 'too_late',
      transfer: { state },
    });
  });

  it('races a send: whoever wins, the answer is true', async () => {
    const engine = await stage.engine();
    for (let race = 0; race < 20; race++) {
      const { id } = await stage.accept({ externalId: `race-${race}` });
      const [, cancelled] = await Promise.all([
        advanceTransfer(engine, id, never),
        cancelTransfer(stage.ledger, stage.epochWitness, id, ann),
      ]);
      const row = await stage.find(id);
      expect(row.state).toBe(cancelled?.outcome === 'cancelled' ? 'cancelled' : 'succeeded');
      expect(stage.effects(row)).toBe(cancelled?.outcome === 'cancelled' ? 0 : 1);
    }
  });
});

describe('resolving a review', () => {
  it.each([
    ['happened', { state: 'succeeded', confirmed_by: 'person', resolved_by: 'ann' }],
    ['not_happened', { state: 'failed', resolved_by: 'ann' }],
  ] as const)('%s: by a person, with the reason and the evidence in its events', async (verdict, expected) => {
    const { id } = await inReview();
    const resolution = { ...ann, verdict, reason: 'seen in the dashboard', evidence: 'ticket 7' };
    expect(await resolveReview(stage.ledger, stage.epochWitness, id, resolution)).toMatchObject({
      outcome: 'resolved',
      transfer: expected,
    });
    const events = await listTransferEvents(stage.ledger, id);
    expect(events.at(-1)).toMatchObject({ type: 'resolved', actor: 'ann', detail: { verdict, evidence: 'ticket 7' } });
    expect(await resolveReview(stage.ledger, stage.epochWitness, id, resolution)).toMatchObject({ outcome: 'not_in_review' });
  });

  it('send_again: under the same id, so it has one effect however it was before', async () => {
    const { id, send_body } = await inReview();
    await resolveReview(stage.ledger, stage.epochWitness, id, {
      ...ann,
      verdict: 'send_again',
      reason: 'the keys are right again',
    });
    const row = await stage.settle(id, await stage.engine());
    // KPay refused the id once, so its conflict proves nothing: a person must check again.
    expect(row).toMatchObject({ state: 'review', reason_code: 'conflict_unprovable', send_body });
    expect(stage.effects(row)).toBe(1);
  });
});

describe('replaying', () => {
  it('makes a new linked transfer of one that failed, once for one identity', async () => {
    failNextSend(400);
    const { id } = await stage.accept({ description: 'rent', minRate: '1' });
    await advanceTransfer(await stage.engine(), id, never);
    const again = () => replayTransfer(stage.ledger, accounts, id, { owner: 'admin', externalId: 'order-1-again' });
    const first = await again();
    if (first?.kind !== 'accepted') throw new Error('not accepted');
    const { transfer } = first.acceptance;
    expect(transfer).toMatchObject({
      replay_of: id,
      external_id: 'order-1-again',
      description: 'rent',
      min_rate: '1',
      state: 'queued',
    });
    expect(transfer.kpay_external_id).not.toBe((await stage.find(id)).kpay_external_id);
    expect(await again()).toMatchObject({ acceptance: { replayed: true, transfer: { id: transfer.id } } });
  });

  it('makes one live replay, however many ask, and none after one that succeeded', async () => {
    const { id } = await stage.accept();
    await cancelTransfer(stage.ledger, stage.epochWitness, id, ann);
    const by = (externalId: string) => replayTransfer(stage.ledger, accounts, id, { owner: 'admin', externalId });
    const asked = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => by(`again-${name}`)));
    expect(asked.map((replay) => replay?.kind).sort()).toEqual(['accepted', ...Array(4).fill('already_replayed')]);
    const live = asked.flatMap((replay) => (replay?.kind === 'accepted' ? [replay.acceptance.transfer] : []));
    await cancelTransfer(stage.ledger, stage.epochWitness, live[0]?.id ?? '', ann);

    const next = await by('again-f');
    if (next?.kind !== 'accepted') throw new Error('a replay that was cancelled must not stand in the way');
    expect(await stage.settle(next.acceptance.transfer.id, await stage.engine())).toMatchObject({ state: 'succeeded' });
    expect(await by('again-g')).toMatchObject({ kind: 'already_replayed', why: expect.stringContaining('succeeded') });
    expect(stage.simulator.control.truth().transferCount).toBe(1);
  });

  it('counts replays of replays too: any along the line is live or has moved money', async () => {
    const replayOf = async (id: string, externalId: string) => {
      const replay = await replayTransfer(stage.ledger, accounts, id, { owner: 'admin', externalId });
      return replay?.kind === 'accepted' ? replay.acceptance.transfer.id : replay?.kind;
    };
    const { id: first } = await stage.accept();
    await cancelTransfer(stage.ledger, stage.epochWitness, first, ann);
    const second = (await replayOf(first, 'second')) ?? '';
    await cancelTransfer(stage.ledger, stage.epochWitness, second, ann);
    const asked = await Promise.all([first, second, first, second].map((id, index) => replayOf(id, `third-${index}`)));
    expect(asked.filter((outcome) => outcome === 'already_replayed')).toHaveLength(3);
    const third = asked.find((outcome) => outcome !== 'already_replayed') ?? '';

    expect(await stage.settle(third, await stage.engine())).toMatchObject({ state: 'succeeded' });
    expect([await replayOf(first, 'fourth'), await replayOf(second, 'fifth')]).toEqual(['already_replayed', 'already_replayed']);
    expect(stage.simulator.control.truth().transferCount).toBe(1);
  });

  it('keeps the times that still lie in the future', async () => {
    const times = { notBefore: '2099-01-01T00:00:00.000Z', expiresAt: '2099-02-01T00:00:00.000Z' };
    const { id } = await stage.accept(times);
    await cancelTransfer(stage.ledger, stage.epochWitness, id, ann);
    const replay = await replayTransfer(stage.ledger, accounts, id, { owner: 'admin', externalId: 'later' });
    if (replay?.kind !== 'accepted') throw new Error('not accepted');
    const { not_before: notBefore, expires_at: expiresAt } = replay.acceptance.transfer;
    expect({ notBefore: notBefore?.toISOString(), expiresAt: expiresAt?.toISOString() }).toEqual(times);
  });

  it("refuses one Idempotency-Key for two replays, and an order under a replay's key", async () => {
    const [one, two] = [await stage.accept(), await stage.accept({ externalId: 'order-2' })];
    for (const { id } of [one, two]) await cancelTransfer(stage.ledger, stage.epochWitness, id, ann);
    const identity = { owner: 'admin', idempotencyKey: 'key-1' };
    expect(await replayTransfer(stage.ledger, accounts, one.id, identity)).toMatchObject({ kind: 'accepted' });
    await expect(replayTransfer(stage.ledger, accounts, two.id, identity)).rejects.toThrow(IdempotencyConflict);
  });

  it('refuses one Idempotency-Key for two replays with different externalIds', async () => {
    const { id } = await stage.accept();
    await cancelTransfer(stage.ledger, stage.epochWitness, id, ann);
    const by = (externalId: string) =>
      replayTransfer(stage.ledger, accounts, id, { owner: 'admin', idempotencyKey: 'key-1', externalId });
    expect(await by('one')).toMatchObject({ kind: 'accepted' });
    expect(await by('one')).toMatchObject({ acceptance: { replayed: true } });
    await expect(by('two')).rejects.toThrow(IdempotencyConflict);
  });

  it.each(['review', 'succeeded', 'queued'])('is refused for what is %s', async (state) => {
    const { id } = state === 'review' ? await inReview() : await stage.accept({ ...order, externalId: 'other' });
    if (state === 'succeeded') await advanceTransfer(await stage.engine(), id, never);
    const replay = await replayTransfer(stage.ledger, accounts, id, { owner: 'admin', externalId: 'again' });
    expect(replay).toMatchObject({ kind: 'not_replayable', transfer: { state } });
  });
});

describe('lifting a pause', () => {
  it.each([
    [{ scope: 'all' }, true],
    [{ scope: 'account', account: 'default' }, true],
    [{ scope: 'corridor', account: 'default', corridor: 'CMR-SEN' }, true],
    [{ scope: 'corridor', account: 'default', corridor: 'CMR-GAB' }, false],
  ] as const)('of %j wakes a re-send that it stopped: %s', async (scope, wakes) => {
    const engine = await stage.engine();
    failNextSend(503);
    const { id } = await stage.accept();
    await advanceTransfer(engine, id, never);
    const { id: all } = await pause(stage.ledger, { scope: 'all' }, { by: 'ann', reason: 'lunch' });
    const under = await pause(stage.ledger, scope, { by: 'ann', reason: 'lunch' });
    stage.ledger.passMs(60_000);
    await advanceTransfer(engine, id, never);
    const waitMs = async () => Number((await stage.find(id)).due_at) - stage.ledger.now().getTime();
    expect(await waitMs()).toBeGreaterThan(30 * 60_000);
    await liftPause(stage.ledger, under.id, 'ann');
    expect((await waitMs()) <= 0).toBe(wakes);
    await liftPause(stage.ledger, all, 'ann');
  });
});
