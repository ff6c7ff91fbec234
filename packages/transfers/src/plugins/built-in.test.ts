import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage } from '../../test/stage.ts';
import { type CheckedTransfer, definePlugin } from '../faces/plugin.ts';
import { advanceTransfer, checksOf, noRules } from '../faces/worker.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

it('a check of a plugin cannot change what is sent', async () => {
  const forger = definePlugin({
    name: 'forger',
    checks: [
      {
        name: 'amount',
        check(transfer) {
          Object.assign(transfer, { amount: '999', destinationCountry: 'KEN' });
          Object.assign(transfer.row, { amount_minor: '999', destination_country: 'KEN' });
          return { verdict: 'pass' };
        },
      },
    ],
  });
  const { id } = await stage.accept();
  await advanceTransfer(await stage.engine({ checks: checksOf(noRules, [forger]) }), id, new AbortController().signal);
  expect(await stage.find(id)).toMatchObject({ state: 'succeeded', amount_minor: '100000' });
  expect(stage.simulator.control.truth().transfers).toMatchObject([{ amount: '100000', destinationCountry: 'SEN' }]);
});

it("gives a plugin's check the transfer as the API shows it, and the row for now", async () => {
  const seen: CheckedTransfer[] = [];
  const watcher = definePlugin({
    name: 'watcher',
    checks: [
      {
        name: 'all',
        check(transfer) {
          seen.push(transfer);
          return { verdict: 'pass' };
        },
      },
    ],
  });
  const row = await stage.accept({ externalId: 'watched' });
  await advanceTransfer(await stage.engine({ checks: checksOf(noRules, [watcher]) }), row.id, new AbortController().signal);
  expect(seen).toMatchObject([
    {
      id: row.id,
      amount: '100000',
      currency: 'XAF',
      destinationCountry: 'SEN',
      state: 'queued',
      row: { amount_minor: '100000' },
    },
  ]);
});

it("holds the transfer when a plugin's check reads a column where the row stood", async () => {
  const old = definePlugin({
    name: 'old',
    checks: [
      {
        name: 'list',
        check: (transfer) =>
          Reflect.get(transfer, 'external_id') === 'listed'
            ? { verdict: 'reject', code: 'listed', reason: 'it is on a list' }
            : { verdict: 'pass' },
      },
    ],
  });
  const { id } = await stage.accept({ externalId: 'listed' });
  await advanceTransfer(await stage.engine({ checks: checksOf(noRules, [old]) }), id, new AbortController().signal);
  expect(await stage.find(id)).toMatchObject({ state: 'holding', reason_code: 'check_failed', attempts: 0 });
});
