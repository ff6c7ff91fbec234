import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWorkerStage, order, type WorkerStage } from './worker-stage.ts';

const KEPT = 3;

let stage: WorkerStage;
beforeAll(async () => {
  stage = await openWorkerStage(undefined, undefined, undefined, { keptJobs: KEPT });
});
afterAll(() => stage.close());

it('keeps only so many ended jobs of a plain BullMQ client, good or bad', async () => {
  for (let number = 0; number < 2 * KEPT; number += 1) {
    await stage.result(await stage.add(order(`kept-${number}`)));
    const refused = await stage.add({ ...order(`refused-${number}`), amount: 'nothing' });
    await expect(stage.result(refused)).rejects.toThrow('amount');
  }
  expect(await stage.keptJobs()).toEqual({ completed: KEPT, failed: KEPT });
});

it('what a client says of its own job goes before', async () => {
  const before = await stage.keptJobs();
  await stage.result(await stage.add(order('gone'), { removeOnComplete: true }));
  expect(await stage.keptJobs()).toEqual(before);
});
