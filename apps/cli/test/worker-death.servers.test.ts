import { eventually, testServerUrls } from '@kpay/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { getTransfer, postTransfer } from './ask-api.ts';
import { openProductionStage } from './production-stage.ts';
import { startApp } from './start-app.ts';

const WITHIN_MS = 60_000;

it.skipIf(!testServerUrls())(
  'a transfer whose worker was killed in mid-send moves within 60 s, one effect',
  { timeout: 240_000 },
  async () => {
    const { simulator, settings } = await openProductionStage();
    const [api, victim] = [await startApp('admin-api', settings), await startApp('worker', settings)];
    onTestFinished(async () => void (await Promise.all([api.end('SIGKILL'), victim.end('SIGKILL')])));

    simulator.control.addFault({ match: { endpoint: 'transfer' }, times: 1, fault: { kind: 'hang', when: 'after' } });
    const order = { externalId: 'in-mid-send', sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 100_000 };
    const { id } = await postTransfer(api.url, order);
    const sends = () => simulator.control.truth().requestCounts.byEndpoint.transfer ?? 0;
    await eventually(() => expect(sends()).toBe(1), { timeoutMs: 30_000, everyMs: 5 });
    await victim.end('SIGKILL');
    const killedMs = performance.now();

    const heir = await startApp('worker', settings);
    onTestFinished(async () => void (await heir.end('SIGKILL')));
    await eventually(() => expect(sends()).toBe(2), { timeoutMs: 2 * WITHIN_MS });
    const tookMs = performance.now() - killedMs;
    process.stdout.write(`from SIGKILL in mid-send to the next send: ${(tookMs / 1_000).toFixed(1)} s\n`);
    expect(tookMs).toBeLessThan(WITHIN_MS);
    await eventually(async () => expect((await getTransfer(api.url, id)).state).toMatch(/^(unconfirmed|succeeded)$/));
    expect(simulator.control.truth().transferCount).toBe(1);
  },
);
