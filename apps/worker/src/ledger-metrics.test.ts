import { createLogger } from '@kpay/runtime';
import { eventually, keepLog } from '@kpay/testkit';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWorkerStage, type WorkerStage } from '../test/worker-stage.ts';
import { watchStats } from './ledger-metrics.ts';

let stage: WorkerStage;
beforeAll(async () => {
  stage = await openWorkerStage();
});
afterAll(() => stage.close());

it("shows what waits for money by wallet, the others at 0, and the horizon's age", async () => {
  const registry = new Registry();
  const stop = watchStats({
    ledger: stage.ledger,
    accounts: ['default'],
    countJobs: async () => ({}),
    waiting: () => new Map(),
    registry,
    logger: createLogger({ name: 'ledger-stats', destination: keepLog('ledger-stats') }),
  });
  stage.simulator.control.setBalance({ country: 'KEN', balance: 0 });
  await stage.readBalance();
  await stage.add({ externalId: 'poor', sourceCountry: 'KEN', destinationCountry: 'CMR', amount: '100' });
  await eventually(async () => {
    const lines = (await registry.metrics()).split('\n');
    expect(lines).toContain('kpay_transfers_without_funds{account="default",country="KEN",currency="KES"} 1');
    expect(lines).toContain('kpay_transfers_without_funds{account="default",country="CMR",currency="XAF"} 0');
    const age = lines.find((line) => line.startsWith('kpay_event_horizon_age_seconds '));
    expect(Number(age?.split(' ')[1])).toBeLessThan(60);
  });
  await stop();
});
