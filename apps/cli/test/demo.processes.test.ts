import { createSimulator } from '@kpay/simulator';
import { temporaryFolder } from '@kpay/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runKpay, settingsFor } from './start-kpay.ts';

const TIMEOUT_MS = 60_000;

describe('kpay up --demo', { timeout: TIMEOUT_MS }, () => {
  it('starts with nothing set, shows a transfer to its success, and exits 0', async () => {
    const folder = temporaryFolder();
    onTestFinished(folder.remove);

    const demo = runKpay(['up', '--demo'], { KPAY_DATA_DIR: folder.path });
    expect(await demo.ended).toEqual({ code: 0, signal: null });

    expect(demo.stdout()).toMatch(/ s {2}queued +accepted\n.+ s {2}submitting +checks passed: .+\n.+ s {2}succeeded\n/);
    expect(demo.stdout()).toContain('checks passed: balance 30000000 XAF is enough, rate 1.0153 is at least 1.01\n');
    expect(demo.stdout()).toContain('100000 XAF left CMR, 101530 XOF arrived in SEN at 1.0153');
    expect(demo.stdout()).toContain('kpay_transfers_finished_total{account="default",state="succeeded"} 1');
    expect(demo.stderr()).toBe('');
  });

  it('exits 1 and says why when KPay refuses the transfer', async () => {
    const folder = temporaryFolder();
    onTestFinished(folder.remove);
    const simulator = await createSimulator({ port: 0 });
    onTestFinished(() => simulator.close());
    simulator.control.addFault({ match: { endpoint: 'transfer' }, fault: { kind: 'status', status: 400 } });

    const demo = runKpay(['up', '--demo'], settingsFor(simulator, folder.path));
    expect(await demo.ended).toEqual({ code: 1, signal: null });

    expect(demo.stdout()).toMatch(/It ended as failed: KPay refused it: .+ No money moved\./);
    expect(demo.stdout()).toContain('kpay_transfers_finished_total{account="default",state="failed"} 1');
    expect(simulator.control.truth().transferCount).toBe(0);
  });
});
