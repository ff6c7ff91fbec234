import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage } from '../../test/stage.ts';
import { advanceTransfer, wakeRated } from '../faces/worker.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterEach(() => stage.reset());
afterAll(() => stage.close());

const never = new AbortController().signal;
const asked = () => stage.simulator.control.truth().requestCounts.byEndpoint['exchange-rate'] ?? 0;

/** Held because 1 KES is less than 1,000 of the other currency. */
async function heldFor(destinationCountry: string) {
  const row = await stage.accept({ externalId: destinationCountry, sourceCountry: 'KEN', destinationCountry, minRate: 1_000 });
  await advanceTransfer(await stage.engine(), row.id, never);
  const held = await stage.find(row.id);
  expect(held).toMatchObject({ state: 'holding', reason_code: 'rate_below_minimum' });
  return held;
}

/** KPay refuses the next read of any rate, so the first pair in the index fails. */
function refuseRate(status: number, times: number) {
  stage.simulator.control.addFault({ match: { endpoint: 'exchange-rate' }, times, fault: { kind: 'status', status } });
}

it.each([400, 404, 503])('wakes those whose rate is there although another pair is answered with %d', async (status) => {
  const unreadable = await heldFor('UGA');
  const reached = await heldFor('CMR');
  stage.simulator.control.setRate({ from: 'KES', to: 'XAF', rate: 2_000 });
  refuseRate(status, 1);
  const { account } = await stage.engine();
  expect(await wakeRated(stage.ledger, account, 1_000)).toBe(1);
  const due = async (id: string) => Number((await stage.find(id)).due_at) <= stage.ledger.now().getTime();
  expect(await due(reached.id)).toBe(true);
  expect(await due(unreadable.id)).toBe(false);
});

it('holds for the rate, and asks for no other transfer, while KPay has none', async () => {
  refuseRate(404, 1);
  const row = await stage.accept({ sourceCountry: 'KEN', destinationCountry: 'UGA', minRate: 1 });
  const engine = await stage.engine();
  await advanceTransfer(engine, row.id, never);
  expect(await stage.find(row.id)).toMatchObject({ state: 'holding', reason_code: 'rate_below_minimum' });
  const before = asked();
  for (let look = 0; look < 5; look++) await wakeRated(stage.ledger, engine.account, 600_000);
  expect(asked()).toBe(before);
});
