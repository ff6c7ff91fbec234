import { acceptTransfer } from '@kpay/transfers';
import { cancelTransfer } from '@kpay/transfers/operations';
import { sweepDue } from '@kpay/transfers/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWorkerStage, order, type WorkerStage } from './worker-stage.ts';

// In a separate file, because on a real Redis the worker of another stage would take the advance jobs.
describe('beside 260 of the highest priority of one caller, who goes on ordering', () => {
  const SEND_EVERY_MS = 60_000 / 100;
  const SWEEP_EVERY_MS = 1_000;
  let nowMs = Date.now();
  let quiet: WorkerStage;
  beforeAll(async () => {
    quiet = await openWorkerStage(undefined, () => new Date(nowMs));
    await quiet.stopWorker();
  });
  afterAll(() => quiet.close());

  async function acceptOf(owner: string, externalId: string, priority: number): Promise<string> {
    const asked = { account: 'default', owner, body: { ...order(externalId), priority } };
    return (await acceptTransfer(quiet.ledger, new Set(['default']), asked)).transfer.id;
  }

  /** Takes what a worker would send next, as KPay takes 100 a minute, until it is this one. @returns after how long. */
  async function sentAfterMs(id: string): Promise<number> {
    const startMs = nowMs;
    let sweptMs = 0;
    for (;;) {
      if (nowMs - sweptMs >= SWEEP_EVERY_MS) {
        await sweepDue(quiet.ledger, 'default', quiet.advanceQueue);
        sweptMs = nowMs;
      }
      const [next] = await quiet.advanceQueue.getJobs(['prioritized'], 0, 0, true);
      if (!next) throw new Error('nothing is due');
      nowMs += SEND_EVERY_MS;
      if (next.data.transferId === id) return nowMs - startMs;
      await cancelTransfer(quiet.ledger, quiet.epochWitness, next.data.transferId, { by: 'test' });
      await next.remove();
      await acceptOf('eager', `more-${nowMs}`, 9);
    }
  }

  it.each([0, 5])(
    'one of priority %d of another caller is sent within half a minute',
    async (priority) => {
      await Promise.all(Array.from({ length: 260 }, (_, n) => acceptOf('eager', `${priority}-urgent-${n}`, 9)));
      const id = await acceptOf('patient', `${priority}-patient`, priority);
      const waitedMs = await sentAfterMs(id);
      process.stdout.write(`priority ${priority} beside 260 of priority 9: sent after ${waitedMs / 1_000} s\n`);
      expect(waitedMs).toBeLessThan(30_000);
    },
    60_000,
  );

  it('replaces a waiting advance job by a more urgent one, not one being processed', async () => {
    await quiet.advanceQueue.obliterate({ force: true });
    const processed = await acceptOf('ageing', 'processed', 8);
    await quiet.advanceQueue.addBulk([hintAt(await quiet.find(processed))]);
    const taken = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const taker = quiet.takeAdvanceJobs(async () => {
      taken.resolve();
      await released.promise;
    });
    await taken.promise;
    const waiting = await acceptOf('ageing', 'waiting', 8);
    await quiet.advanceQueue.addBulk([hintAt(await quiet.find(waiting))]);

    nowMs += 5_000;
    await sweepDue(quiet.ledger, 'default', quiet.advanceQueue);
    const ids = await quiet.advanceQueue.getRanges(['prioritized', 'active'], 0, -1);
    const mine = ids.filter((id) => id.includes(processed) || id.includes(waiting));
    expect(mine.sort()).toEqual([`t-${processed}-1`, `t-${waiting}-1-aged`].sort());
    released.resolve();
    await taker.close();
  });

  function hintAt({ id, version }: { id: string; version: number }) {
    return {
      name: 'advance',
      data: { transferId: id },
      opts: { jobId: `t-${id}-${version}`, priority: 1, removeOnComplete: true },
    };
  }
});
