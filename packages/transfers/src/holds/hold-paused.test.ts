import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage } from '../../test/stage.ts';
import { liftPause, pause } from '../faces/operations.ts';
import { listTransferEvents } from '../index.ts';
import { holdPaused } from './hold-paused.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.reset());
afterAll(() => stage.close());

const by = { by: 'ada', reason: 'a look around' };

it("holds a paused account's queue in one write, each with its event, due at the end", async () => {
  await stage.engine();
  const expiresAt = new Date(stage.ledger.now().getTime() + 60_000);
  const rows = [await stage.accept(), await stage.accept({ externalId: 'order-2', expiresAt: expiresAt.toISOString() })];
  const paused = await pause(stage.ledger, { scope: 'account', account: 'default' }, by);
  await stage.ledger.transaction((tx) => holdPaused(tx, 'default'));
  for (const { id } of rows) {
    expect(await stage.find(id)).toMatchObject({ state: 'holding', reason_code: 'paused', version: 2, attempts: 0 });
    const events = await listTransferEvents(stage.ledger, id);
    expect(events.map(({ type, to_state, reason }) => [type, to_state, reason])).toEqual([
      ['accepted', 'queued', null],
      ['held', 'holding', 'paused by ada: a look around'],
    ]);
  }
  expect((await stage.find(rows[1]?.id ?? '')).due_at).toEqual(expiresAt);

  await liftPause(stage.ledger, paused.id, 'ada');
  for (const { id } of rows) {
    const { due_at: due } = await stage.find(id);
    expect(due?.getTime()).toBeLessThanOrEqual(stage.ledger.now().getTime());
  }
});

it('neither a pause of one corridor nor one of another account holds them', async () => {
  await stage.engine();
  const { id } = await stage.accept();
  await pause(stage.ledger, { scope: 'corridor', account: 'default', corridor: 'CMR-SEN' }, by);
  await pause(stage.ledger, { scope: 'account', account: 'another' }, by);
  await stage.ledger.transaction((tx) => holdPaused(tx, 'default'));
  expect((await stage.find(id)).state).toBe('queued');
});
