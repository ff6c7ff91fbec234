import { eventually } from '@kpay/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openStage, type Stage } from '../../test/stage.ts';
import { pause } from '../faces/operations.ts';
import { advanceTransfer, type TransferEngine } from '../faces/worker.ts';
import type { TransferRow } from '../index.ts';
import { BREAKER_AFTER, PROBE_WITHIN_MS, tendBreaker } from './breaker.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.reset());
afterAll(() => stage.close());

const never = new AbortController().signal;

async function send(engine: TransferEngine, name: string): Promise<TransferRow> {
  const { id } = await stage.accept({ externalId: name });
  await advanceTransfer(engine, id, never);
  return stage.find(id);
}

/** What the sweep does every second. */
function tend(): Promise<void> {
  return stage.ledger.transaction((tx) => tendBreaker(tx, 'default'));
}

async function openBreaker(engine: TransferEngine): Promise<TransferRow[]> {
  stage.simulator.control.addFault({ match: { endpoint: 'transfer' }, fault: { kind: 'status', status: 503, when: 'before' } });
  const unknown = [];
  for (let n = 0; n < BREAKER_AFTER; n++) unknown.push(await send(engine, `unknown-${n}`));
  return unknown;
}

function sends(): number {
  return stage.simulator.control.truth({ transfers: 0, requests: 0 }).requestCounts.byEndpoint.transfer ?? 0;
}

describe('the breaker', () => {
  it('an hour of 503: after five unknowns nothing new is sent, one probes, all succeed', async () => {
    const engine = await stage.engine();
    const unknown = await openBreaker(engine);
    expect(unknown.map(({ state }) => state)).toEqual(unknown.map(() => 'unconfirmed'));

    const sentBefore = sends();
    const held = await send(engine, 'held');
    expect(held).toMatchObject({ state: 'holding', reason_code: 'breaker', attempts: 0 });
    expect(sends()).toBe(sentBefore);

    // Slow enough that all five come while the first of them is under way.
    const slow503 = { kind: 'status', status: 503, when: 'before', delayMs: 1_500 } as const;
    stage.simulator.control.clearFaults();
    stage.simulator.control.addFault({ match: { endpoint: 'transfer' }, fault: slow503 });
    stage.ledger.passMs(10_000);
    await Promise.all(unknown.map(({ id }) => advanceTransfer(engine, id, never)));
    expect(sends()).toBe(sentBefore + 1);

    stage.simulator.control.clearFaults();
    for (const { id } of unknown) expect((await stage.settle(id, engine)).state).toBe('succeeded');
    await tend();
    const woken = await stage.find(held.id);
    expect(woken.due_at?.getTime()).toBeLessThanOrEqual(stage.ledger.now().getTime());
    expect((await stage.settle(held.id, engine)).state).toBe('succeeded');
    for (const row of [...unknown, held]) expect(stage.effects(row)).toBe(1);
  });

  it('a paused transfer is no prober: other corridors go on when KPay has recovered', async () => {
    const engine = await stage.engine();
    await openBreaker(engine);
    const held = await stage.accept({ externalId: 'other-corridor', sourceCountry: 'GAB', destinationCountry: 'CIV' });
    await advanceTransfer(engine, held.id, never);
    expect(await stage.find(held.id)).toMatchObject({ state: 'holding', reason_code: 'breaker' });

    await pause(stage.ledger, { scope: 'corridor', account: 'default', corridor: 'CMR-SEN' }, { by: 'ann', reason: 'a look' });
    stage.simulator.control.clearFaults();
    await tend();
    expect((await stage.find(held.id)).due_at?.getTime()).toBeLessThanOrEqual(stage.ledger.now().getTime());
    await advanceTransfer(engine, held.id, never);
    expect(await stage.find(held.id)).toMatchObject({ state: 'succeeded' });
  });

  it('a transfer first sent to another KPay is no prober: it is never sent again here', async () => {
    const engine = await stage.engine();
    await openBreaker(engine);
    const held = await stage.accept({ externalId: 'held' });
    await advanceTransfer(engine, held.id, never);
    expect(await stage.find(held.id)).toMatchObject({ state: 'holding', reason_code: 'breaker' });
    await stage.ledger.db
      .updateTable('kpay.transfers')
      .set({ pinned_base_url: 'https://elsewhere.example' })
      .where('state', '=', 'unconfirmed')
      .execute();
    stage.simulator.control.clearFaults();
    await tend();
    expect((await stage.settle(held.id, engine)).state).toBe('succeeded');
  });

  it('a re-send once answered with 409 waits for the probe under way, not ten minutes', async () => {
    const engine = await stage.engine();
    const match = { endpoint: 'transfer' } as const;
    const applied = { kind: 'status', status: 503, when: 'after' } as const;
    stage.simulator.control.addFault({ match, times: 1, fault: applied });
    const happened = await send(engine, 'happened');
    stage.ledger.passMs(5_000);
    await advanceTransfer(engine, happened.id, never);
    expect((await stage.find(happened.id)).first_conflict_at).not.toBeNull();

    const [prober] = await openBreaker(engine);
    stage.simulator.control.clearFaults();
    stage.simulator.control.addFault({ match, fault: { kind: 'status', status: 503, when: 'before', delayMs: 2_500 } });
    stage.ledger.passMs(60_000);
    const sentBefore = sends();
    const probing = advanceTransfer(engine, prober?.id ?? '', never);
    // The first one that is due probes. This one must not, because KPay's answer would discard its first conflict.
    await eventually(() => expect(sends()).toBe(sentBefore + 1));
    await advanceTransfer(engine, happened.id, never);
    await probing;
    expect(sends()).toBe(sentBefore + 1);

    stage.simulator.control.clearFaults();
    stage.ledger.passMs(20_000);
    for (const id of [prober?.id ?? '', happened.id]) await advanceTransfer(engine, id, never);
    expect(await stage.find(happened.id)).toMatchObject({ state: 'succeeded', confirmed_by: 'conflict' });
  });

  it('a definite answer in between starts the count anew', async () => {
    const engine = await stage.engine();
    const match = { endpoint: 'transfer' } as const;
    for (let n = 0; n < BREAKER_AFTER * 2; n++) {
      const fault = n % 2 === 0 ? { kind: 'drop' as const } : { kind: 'status' as const, status: 400 };
      stage.simulator.control.addFault({ match, times: 1, fault });
      await send(engine, `mixed-${n}`);
    }
    expect((await send(engine, 'after')).state).toBe('succeeded');
  });

  it('after two hours of 503, with backoffs of 15 min, sees recovery within a minute', async () => {
    const engine = await stage.engine();
    const unknown = await openBreaker(engine);
    const held = await send(engine, 'held');
    for (let minute = 0; minute < 120; minute++) {
      stage.ledger.passMs(60_000);
      await tend();
      for (const { id } of unknown) await advanceTransfer(engine, id, never);
    }
    const tries = await Promise.all(unknown.map(async ({ id }) => (await stage.find(id)).tries));
    // Enough attempts that their backoffs are 15 minutes by now.
    expect(Math.min(...tries)).toBeGreaterThanOrEqual(8);
    expect(Math.max(...tries)).toBeLessThanOrEqual(130);

    stage.simulator.control.clearFaults();
    await tend();
    stage.ledger.passMs(PROBE_WITHIN_MS);
    for (const { id } of unknown) await advanceTransfer(engine, id, never);
    const states = await Promise.all(unknown.map(async ({ id }) => (await stage.find(id)).state));
    expect(states).toContain('succeeded');
    // Unconfirmed transfers need not wait for their backoff, because KPay answers again.
    stage.ledger.passMs(5_001);
    for (const { id } of unknown) await advanceTransfer(engine, id, never);
    for (const { id } of unknown) expect((await stage.find(id)).state).toBe('succeeded');
    await tend();
    await advanceTransfer(engine, held.id, never);
    expect((await stage.find(held.id)).state).toBe('succeeded');
  });

  it('when nothing is left that could probe, a first send does', async () => {
    const engine = await stage.engine();
    const unknown = await openBreaker(engine);
    const held = await send(engine, 'held');
    // After a day without an answer all are in review.
    stage.ledger.passMs(25 * 60 * 60_000);
    for (const { id } of unknown) await advanceTransfer(engine, id, never);
    for (const { id } of unknown) expect((await stage.find(id)).state).toBe('review');
    stage.simulator.control.clearFaults();
    await advanceTransfer(engine, held.id, never);
    expect((await stage.find(held.id)).state).toBe('succeeded');
  });
});
