import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSimulator, type Simulator } from '@kpay/simulator';
import { eventually, temporaryFolder } from '@kpay/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getTransfer, postTransfer } from './ask-api.ts';
import { type RunningKpay, runKpay, settingsFor, startKpay } from './start-kpay.ts';

const TEST_TIMEOUT_MS = 60_000;

/** The check's behaviour depends on the transfer's externalId. */
const UNRULY = `
export default {
  name: 'acme',
  checks: [
    {
      name: 'unruly',
      timeoutMs: 200,
      check({ externalId: what }) {
        if (what === 'throws') throw new Error('no licence');
        if (what === 'hangs') return new Promise(() => {});
        if (what === 'nonsense') return 'yes';
        if (what === 'strays') {
          setTimeout(() => { throw new Error('from a timer'); });
          Promise.reject(new Error('from a promise'));
        }
        if (what === 'rejects') return { verdict: 'reject', code: 'sanctioned', reason: 'the receiver is on a list' };
        return { verdict: 'pass', inputs: { acme: { looked: true } } };
      },
    },
  ],
};`;

describe('plugins', { timeout: TEST_TIMEOUT_MS }, () => {
  const folder = temporaryFolder();
  const plugin = join(folder.path, 'acme.mjs');
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await createSimulator({ port: 0 });
    writeFileSync(plugin, UNRULY);
  });
  afterAll(async () => {
    await simulator.close();
    folder.remove();
  });

  const start = () => startKpay({ ...settingsFor(simulator, join(folder.path, 'data')), KPAY_PLUGINS: plugin });
  const send = ({ apiUrl }: RunningKpay, externalId: string) =>
    postTransfer(apiUrl, { externalId, sourceCountry: 'CMR', destinationCountry: 'SEN', amount: 1_000 });

  it('that break hold the transfer with their name in the reason; the process goes on', async () => {
    const kpay = await start();
    const expected = {
      throws: { state: 'holding', reasonCode: 'check_failed', reason: 'check acme/unruly failed' },
      hangs: { state: 'holding', reasonCode: 'check_failed', reason: 'check acme/unruly took longer than 0.2 s' },
      nonsense: { state: 'holding', reasonCode: 'check_failed', reason: 'check acme/unruly gave no verdict' },
      rejects: { state: 'failed', reasonCode: 'acme/sanctioned', reason: 'the receiver is on a list', moneyMoved: 'no' },
      strays: { state: 'succeeded' },
      passes: { state: 'succeeded' },
    };
    for (const [externalId, end] of Object.entries(expected)) {
      const { id } = await send(kpay, externalId);
      await eventually(async () => expect(await getTransfer(kpay.apiUrl, id)).toMatchObject(end), { timeoutMs: 10_000 });
    }
    for (const line of ['no licence', 'from a timer', 'from a promise']) expect(kpay.stderr()).toContain(line);
    expect(kpay.stderr()).toMatch(/"plugin":"acme"/);
    expect(await kpay.end('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it('that cannot be loaded end the start in one line that names them', async () => {
    const settings = settingsFor(simulator, join(folder.path, 'data'));
    const kpay = runKpay(['up'], { ...settings, KPAY_PLUGINS: `${plugin},${plugin}` });
    expect((await kpay.ended).code).toBe(1);
    expect(kpay.stderr()).toBe(`kpay: KPAY_PLUGINS: ${plugin} is named acme, and so is ${plugin}\n`);
  });
});
