import { eventually } from '@kpay/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage } from '../../test/stage.ts';
import { advanceTransfer } from '../send/advance.ts';
import { recentSends } from './recent-sends.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

it('a send that the ledger and the budget both know counts once', async () => {
  const row = await stage.accept({ externalId: 'seeded' });
  const engine = await stage.engine();
  await advanceTransfer(engine, row.id, new AbortController().signal);
  const { budget, name } = engine.account;
  const sent = await recentSends(stage.ledger, name, 60_000);
  expect(sent).toHaveLength(1);
  const before = await budget.remaining();
  await budget.seed(sent);
  await eventually(async () => expect(await budget.remaining()).toBe(before));
  await budget.seed([{ attempt: 'elsewhere.1', ageMs: 0 }]);
  expect(await budget.remaining()).toBe(before - 1);
});
