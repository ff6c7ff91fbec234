import { simulatorApiKey } from '@kpay/simulator';
import { eventually, rememberSecret } from '@kpay/testkit';
import { openAccount } from '@kpay/transfers/worker';
import { expect, it, onTestFinished } from 'vitest';
import { openWorkerStage, order } from './worker-stage.ts';

it('an account with refused keys waits until KPay takes them; the others are served', async () => {
  const refused = (baseUrl: string) =>
    openAccount({
      name: 'refused',
      apiKey: simulatorApiKey,
      secretKey: rememberSecret('no-secret-of-kpay'),
      baseUrl,
      environment: 'TEST',
      rateLimitPerMinute: 100_000,
    });
  const stage = await openWorkerStage(undefined, undefined, (baseUrl) => [refused(baseUrl)]);
  onTestFinished(stage.close);
  const waiting = stage.waiting();
  expect([...waiting.keys()]).toEqual(['refused']);
  expect(waiting.get('refused')).toMatch(
    /^KPay refuses the keys of account refused \(40[13]\): check its API key and secret key/,
  );
  const job = await stage.add(order('of-the-good-account'));
  const { transferId } = (await stage.result(job)) as unknown as { transferId: string };
  await eventually(async () => expect(await stage.find(transferId)).toMatchObject({ state: 'succeeded' }));
  expect((await stage.askHealth('readyz')).status).toBe(200);
});

// One page stands for all, because each takes ten seconds here. core's client.test.ts tests which answers are KPay's
// own.
it('a proxy’s 403 at /me says nothing of the keys: the worker starts and asks again', async () => {
  const stage = await openWorkerStage();
  onTestFinished(stage.close);
  await stage.stopWorker();
  stage.simulator.control.addFault({ match: { endpoint: 'me' }, fault: { kind: 'html', status: 403 } });
  await stage.startWorker();
  expect([...stage.waiting()]).toEqual([['default', 'KPay has not answered yet']]);
  const job = await stage.add(order('while-a-page-stands-there'));
  await eventually(async () => expect((await stage.read(job)).job.progress).toMatchObject({ accepted: expect.any(String) }));
  expect(stage.simulator.control.truth().requestCounts.byEndpoint.transfer ?? 0).toBe(0);
  stage.simulator.control.clearFaults();
  const { transferId } = (await stage.result(job)) as unknown as { transferId: string };
  expect(await stage.find(transferId)).toMatchObject({ state: 'succeeded' });
});
