import { createSimulator } from '@kpay/simulator';
import { eventually, temporaryFolder } from '@kpay/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { getTransfer, postTransfer } from './ask-api.ts';
import { endWaits } from './end-waits.ts';
import { type RunningKpay, settingsFor, startKpay } from './start-kpay.ts';

const STOPPED_WITHIN_MS = 5_000;
const TEST_TIMEOUT_MS = 60_000;

const order = { externalId: 'hung', sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 100_000 };

async function stop(kpay: RunningKpay, signal: NodeJS.Signals): Promise<void> {
  const startedMs = performance.now();
  expect(await kpay.end(signal)).toEqual({ code: 0, signal: null });
  expect(performance.now() - startedMs).toBeLessThan(STOPPED_WITHIN_MS);
}

describe('Ctrl-C', { timeout: TEST_TIMEOUT_MS }, () => {
  it.each(['before', 'after'] as const)(
    'ends within 5 s while KPay hangs %s moving money; the next start ends it once',
    async (when) => {
      const folder = temporaryFolder();
      onTestFinished(folder.remove);
      const simulator = await createSimulator({ port: 0 });
      onTestFinished(() => simulator.close());
      const settings = { ...settingsFor(simulator, folder.path), KPAY_CONFLICT_CONFIRM_SECONDS: '1' };
      simulator.control.addFault({ match: { endpoint: 'transfer' }, times: 1, fault: { kind: 'hang', when } });

      const first = await startKpay(settings);
      const { id } = await postTransfer(first.apiUrl, order);
      await eventually(() => expect(simulator.control.listFaults()[0]?.fired).toBe(1), { timeoutMs: 10_000 });
      await stop(first, 'SIGINT');
      expect(await endWaits(folder.path)).toBe(1);

      const second = await startKpay(settings);
      const transfer = await eventually(
        async () => {
          const found = await getTransfer(second.apiUrl, id);
          expect(found.state).toBe('succeeded');
          return found;
        },
        { timeoutMs: 20_000 },
      );
      expect(transfer.confirmedBy).toBe(when === 'before' ? 'answer' : 'conflict');
      expect(simulator.control.truth().transferCount).toBe(1);
      expect(simulator.control.checkMoney()).toEqual({ conserved: true, problems: [] });
      await stop(second, 'SIGTERM');
    },
  );
});
