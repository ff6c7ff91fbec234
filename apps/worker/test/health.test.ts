import { eventually } from '@kpay/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { openWorkerStage } from './worker-stage.ts';

it('a worker whose queues have ended under it lives no more: /healthz says which', async () => {
  const stage = await openWorkerStage();
  onTestFinished(() => stage.close());
  await eventually(async () => expect(await stage.askHealth('readyz')).toEqual({ status: 200, text: 'ready\n' }));
  expect(await stage.askHealth('healthz')).toEqual({ status: 200, text: 'ok\n' });
  await stage.closeQueues();
  const { status, text } = await stage.askHealth('healthz');
  expect(status).toBe(503);
  expect(text.trimEnd().split('\n')).toEqual([
    'the intake of account default has stopped',
    'the advance queue of account default has stopped',
  ]);
});
