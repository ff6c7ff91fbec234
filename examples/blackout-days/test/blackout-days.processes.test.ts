import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createSimulator } from '@kpay/simulator';
import { eventually, temporaryFolder } from '@kpay/testkit';
import type { CheckedTransfer, SinkEvent } from '@kpay/transfers/plugin';
import { describe, expect, it, onTestFinished } from 'vitest';
import { getTransfer, postTransfer } from '../../../apps/cli/test/ask-api.ts';
import { runKpay, settingsFor, startKpay } from '../../../apps/cli/test/start-kpay.ts';
import { blackoutDays } from '../src/blackout-days.ts';

const PLUGIN = fileURLToPath(new URL('../src/blackout-days.ts', import.meta.url));
const DAY_MS = 24 * 60 * 60_000;
const order = { sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };

describe('the check', () => {
  const [check] = blackoutDays({ days: ['2026-12-25', '2026-12-26', '2027-01-01'] }).checks ?? [];
  const ask = (now: string) => check?.check({} as CheckedTransfer, { now: new Date(now) } as never);

  it.each([
    ['2026-12-24T23:59:59.999Z', undefined],
    ['2026-12-25T00:00:00.000Z', '2026-12-27T00:00:00.000Z'],
    ['2026-12-26T23:59:59.999Z', '2026-12-27T00:00:00.000Z'],
    ['2026-12-27T00:00:00.000Z', undefined],
    ['2027-01-01T12:00:00.000Z', '2027-01-02T00:00:00.000Z'],
  ])('at %s holds until %s', (now, until) => {
    expect(ask(now)).toMatchObject(until === undefined ? { verdict: 'pass' } : { verdict: 'hold', until: new Date(until) });
  });
});

describe('in a running kpay, loaded by KPAY_PLUGINS', { timeout: 90_000 }, () => {
  async function settings() {
    const folder = temporaryFolder();
    const simulator = await createSimulator({ port: 0 });
    onTestFinished(async () => {
      await simulator.close();
      folder.remove();
    });
    const file = join(folder.path, 'events.jsonl');
    return { file, env: { ...settingsFor(simulator, join(folder.path, 'data')), KPAY_PLUGINS: PLUGIN, EVENT_LOG_FILE: file } };
  }

  const linesOf = (file: string): SinkEvent[] =>
    existsSync(file)
      ? readFileSync(file, 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
      : [];

  it('holds transfers on such a day, and writes all events in order, after a kill too', async () => {
    const { file, env } = await settings();
    const today = [0, 1].map((days) => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10));
    const first = await startKpay({ ...env, BLACKOUT_DAYS: today.join(',') });
    const held = await postTransfer(first.apiUrl, { ...order, externalId: 'on-the-day' });
    await eventually(
      async () =>
        expect(await getTransfer(first.apiUrl, held.id)).toMatchObject({
          state: 'holding',
          reasonCode: 'blackout-days/blackout_day',
          holdUntil: `${new Date(Date.parse(today[1] ?? '') + DAY_MS).toISOString()}`,
        }),
      { timeoutMs: 10_000 },
    );
    await eventually(() => expect(linesOf(file).map(({ type }) => type)).toEqual(['accepted', 'held']), { timeoutMs: 10_000 });
    await first.end('SIGKILL');

    const second = await startKpay(env);
    const sent = await postTransfer(second.apiUrl, { ...order, externalId: 'on-another-day' });
    // The killed process keeps its lease on the sink for half a minute.
    await eventually(
      () => {
        const told = linesOf(file).filter(({ transferId }) => transferId === sent.id);
        expect(told.map(({ to }) => to)).toEqual(['queued', 'submitting', 'succeeded']);
      },
      { timeoutMs: 60_000 },
    );
    const ids = [...new Set(linesOf(file).map(({ id }) => Number(id)))];
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(ids).toHaveLength(5);
    expect(await second.end('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it('with a day that is none, the start is refused in one line', async () => {
    const { env } = await settings();
    const kpay = runKpay(['up'], { ...env, BLACKOUT_DAYS: '2026-02-30' });
    expect((await kpay.ended).code).toBe(1);
    expect(kpay.stderr()).toBe(
      `kpay: KPAY_PLUGINS: ${PLUGIN} cannot be loaded (BLACKOUT_DAYS must be days such as 2026-12-25, not 2026-02-30)\n`,
    );
  });
});
