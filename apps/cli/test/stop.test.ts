import { createSimulator, type Simulator } from '@kpay/simulator';
import { eventually, temporaryFolder } from '@kpay/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { getTransfer, postTransfer } from './ask-api.ts';
import { type RunningKpay, settingsFor, startKpay } from './start-kpay.ts';

const STOPPED_WITHIN_MS = 5_000;
// Longer than the lease of the send that was left behind.
const TEST_TIMEOUT_MS = 120_000;

const order = { externalId: 'hung', sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 100_000 };

async function stop(kpay: RunningKpay): Promise<void> {
  const startedMs = performance.now();
  expect(await kpay.end('SIGINT')).toEqual({ code: 0, signal: null });
  expect(performance.now() - startedMs).toBeLessThan(STOPPED_WITHIN_MS);
}

function effects(simulator: Simulator): number {
  return simulator.control.truth().transfers.length;
}

describe('Ctrl-C', { timeout: TEST_TIMEOUT_MS }, () => {
  it.each(['before', 'after'] as const)(
    'ends it within 5 s while KPay hangs %s moving the money, and the next start brings the transfer to its end with one effect',
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
      await stop(first);

      const second = await startKpay(settings);
      const transfer = await eventually(
        async () => {
          const found = await getTransfer(second.apiUrl, id);
          expect(found.state).toBe('succeeded');
          return found;
        },
        { timeoutMs: 90_000, everyMs: 200 },
      );
      expect(transfer.confirmedBy).toBe(when === 'before' ? 'answer' : 'conflict');
      expect(effects(simulator)).toBe(1);
      expect(simulator.control.checkMoney()).toEqual({ conserved: true, problems: [] });
      await stop(second);
    },
  );
});
