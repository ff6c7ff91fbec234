import { eventually } from '@kpay/testkit';
import { cancelTransfer, finishRestore, pause, resolveReview, resolveReviews } from '@kpay/transfers/operations';
import { expect, it, onTestFinished } from 'vitest';
import { openWorkerStage, order, type WorkerStage } from './worker-stage.ts';

const PERSON = { by: 'ana', reason: 'not in the dashboard' };

/** The counter by final state; undefined while it is not shown. */
async function finished(stage: WorkerStage) {
  const { text } = await stage.askHealth('metrics');
  const counted = [...text.matchAll(/^kpay_transfers_finished_total\{account="default",state="(\w+)"\} (\d+)$/gm)];
  return Object.fromEntries(counted.map(([, state, count]) => [state, Number(count)]));
}

async function accepted(stage: WorkerStage, externalId: string): Promise<string> {
  const job = await stage.add(order(externalId));
  const { accepted: id } = await eventually(async () => {
    const { progress } = (await stage.read(job)).job;
    expect(progress).toMatchObject({ accepted: expect.any(String) });
    return progress as { accepted: string };
  });
  return id;
}

it('counts every end once, whichever process made it, also after a restart', async () => {
  const stage = await openWorkerStage();
  onTestFinished(stage.close);
  await stage.result(await stage.add(order('sent')));
  const zeros = { failed: 0, rejected: 0, cancelled: 0, expired: 0 };
  await eventually(async () => expect(await finished(stage)).toEqual({ ...zeros, succeeded: 1 }));

  // The API and the commands change the ledger from other processes.
  const { ledger, epochWitness } = stage;
  await pause(ledger, { scope: 'account', account: 'default' }, PERSON);
  const cancelled = await accepted(stage, 'cancelled');
  for (let times = 0; times < 2; times += 1) await cancelTransfer(ledger, epochWitness, cancelled, PERSON);
  const one = await accepted(stage, 'resolved');
  await accepted(stage, 'settled');
  await accepted(stage, 'settled too');
  expect(await finishRestore(ledger, epochWitness, { by: 'ana', unseen: true })).toMatchObject({ moved: 3 });
  await resolveReview(ledger, epochWitness, one, { ...PERSON, verdict: 'not_happened' });
  const settled = await resolveReviews(ledger, epochWitness, { reasonCode: 'restored' }, { ...PERSON, verdict: 'not_happened' });
  expect(settled).toEqual({ resolved: 2, skipped: 0 });
  const all = { ...zeros, succeeded: 1, cancelled: 1, failed: 3 };
  await eventually(async () => expect(await finished(stage)).toEqual(all));

  await stage.stopWorker();
  await stage.startWorker();
  await eventually(async () => expect(await finished(stage)).toEqual(all));
}, 60_000);
