import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage } from '../../test/stage.ts';
import { cancelTransfer, pause } from '../faces/operations.ts';
import { advanceTransfer, findAccountActivity } from '../faces/worker.ts';
import { holdPaused } from '../holds/hold-paused.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.reset());
afterAll(() => stage.close());

const activity = () => findAccountActivity(stage.ledger, ['default', 'idle']);

it('an account is active from its first accepted transfer until its last one ends', async () => {
  expect(await activity()).toEqual(new Map());
  const engine = await stage.engine();
  const first = await stage.accept();
  const later = await stage.accept({
    externalId: 'order-2',
    notBefore: new Date(stage.ledger.now().getTime() + 60_000).toISOString(),
  });
  expect(await activity()).toEqual(new Map([['default', 'active']]));
  await stage.settle(first.id, engine);
  expect(await activity()).toEqual(new Map([['default', 'active']]));
  await cancelTransfer(stage.ledger, stage.epochWitness, later.id, { by: 'ada' });
  expect(await activity()).toEqual(new Map());
});

it('one with something held is told apart', async () => {
  await stage.engine();
  await stage.accept();
  await pause(stage.ledger, { scope: 'account', account: 'default' }, { by: 'ada', reason: 'a look around' });
  await stage.ledger.transaction((tx) => holdPaused(tx, 'default'));
  await stage.accept({ externalId: 'order-2' });
  expect(await activity()).toEqual(new Map([['default', 'held']]));
});

it('counts a transfer that may have been sent as active, not one in review alone', async () => {
  const { control } = stage.simulator;
  control.addFault({ match: { endpoint: 'transfer' }, times: 1, fault: { kind: 'drop', when: 'before' } });
  control.addFault({ match: { endpoint: 'transfer' }, times: 1, fault: { kind: 'status', status: 400 } });
  const engine = await stage.engine();
  const { id } = await stage.accept();
  await advanceTransfer(engine, id, new AbortController().signal);
  expect((await stage.find(id)).state).toBe('unconfirmed');
  expect(await activity()).toEqual(new Map([['default', 'active']]));
  expect((await stage.settle(id, engine)).state).toBe('review');
  expect(await activity()).toEqual(new Map());
});
