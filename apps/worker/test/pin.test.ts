import { eventually } from '@kpay/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWorkerStage, order, type WorkerStage } from './worker-stage.ts';

let stage: WorkerStage;
beforeAll(async () => {
  stage = await openWorkerStage();
});
afterAll(() => stage.close());

it('pauses an account that is another KPay than the ledger knows, and sends nothing', async () => {
  await sql`update kpay.accounts set application_id = '0b7d7c1e-0000-4000-8000-000000000001'`.execute(stage.ledger.db);
  const job = await stage.add(order('to-another-kpay'));
  const pauses = await eventually(
    async () => {
      const found = await stage.ledger.db.selectFrom('kpay.pauses').selectAll().execute();
      expect(found).toHaveLength(1);
      return found;
    },
    { timeoutMs: 10_000 },
  );
  expect(pauses).toMatchObject([{ scope: 'account', account: 'default', created_by: 'worker', lifted_at: null }]);
  expect(pauses[0]?.reason).toContain('belongs to another KPay');

  const { accepted } = (await stage.read(job)).job.progress as { accepted: string };
  await eventually(
    async () => expect(await stage.find(accepted)).toMatchObject({ state: 'holding', reason_code: 'paused', attempts: 0 }),
    { timeoutMs: 10_000 },
  );
  expect(stage.simulator.control.truth().requestCounts.byEndpoint.transfer ?? 0).toBe(0);
});
