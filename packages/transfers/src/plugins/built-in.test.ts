import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage } from '../../test/stage.ts';
import { definePlugin } from '../faces/plugin.ts';
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
          Object.assign(transfer, { amount_minor: '999', destination_country: 'KEN' });
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
