import { eventually, seededRandom, testServerUrls } from '@kpay/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { listTransfers } from './ask-api.ts';
import { addFaults, createClient } from './load.ts';
import { openProductionStage } from './production-stage.ts';
import { type AppName, type AppProcess, startApp } from './start-app.ts';

const KILLS = Number(process.env.KPAY_TEST_KILLS ?? 20);
const TEST_TIMEOUT_MS = 260_000 + KILLS * 10_000;
const ORDERS_A_KILL = 30;
const FAULTS = 0.2;
// The last lease of a killed worker ends after 45 s, and then come re-sends with their backoff.
// A transfer whose sends went wrong five times in a row, and the kills leave time for no more, waits up to 160 s for the next.
const SETTLED_WITHIN_MS = 200_000;

const apps: readonly AppName[] = ['worker', 'worker', 'admin-api'];

it.skipIf(!testServerUrls())(
  `${KILLS} kills among two workers and an API: nothing accepted is missing, nothing is sent twice`,
  {
    timeout: TEST_TIMEOUT_MS,
  },
  async () => {
    const seed = Date.now() % 2 ** 31;
    const random = seededRandom(seed);
    const { simulator, settings: stores } = await openProductionStage({ limit: 1_000_000, latencyMs: 20, seed });
    addFaults(simulator, FAULTS);
    const settings = { ...stores, KPAY_RATE_LIMIT_PER_MINUTE: '100000', KPAY_CONFLICT_CONFIRM_SECONDS: '1' };

    const running: AppProcess[] = await Promise.all(apps.map((app) => startApp(app, settings)));
    onTestFinished(async () => void (await Promise.all(running.map((each) => each.end('SIGKILL')))));
    const api = () => running[2]?.url ?? '';
    const client = createClient();
    const killed = { worker: 0, 'admin-api': 0, exporter: 0 };

    for (let kill = 0; kill < KILLS; kill += 1) {
      const goal = client.accepted.size + 1 + Math.floor(random() * ORDERS_A_KILL);
      const posting = client.post(api(), ORDERS_A_KILL);
      await eventually(() => expect(client.accepted.size).toBeGreaterThanOrEqual(goal), { timeoutMs: 30_000, everyMs: 5 });
      const victim = Math.floor(random() * apps.length);
      const app = apps[victim] ?? 'worker';
      killed[app] += 1;
      await running[victim]?.end('SIGKILL');
      await posting;
      running[victim] = await startApp(app, settings);
    }
    const faults = simulator.control.listFaults().reduce((sum, { fired }) => sum + fired, 0);
    simulator.control.clearFaults();
    await client.post(api(), 1);

    const transfers = await eventually(
      async () => {
        const all = await listTransfers(api());
        const waiting = all.filter(({ finishedAt, state }) => finishedAt === null && state !== 'review');
        expect(waiting.map(({ state }) => state)).toEqual([]);
        return all;
      },
      { timeoutMs: SETTLED_WITHIN_MS, everyMs: 1_000 },
    );
    const truth = simulator.control.truth();
    process.stdout.write(
      `${KILLS} kills (seed ${seed}; workers ${killed.worker}, API ${killed['admin-api']}): ${client.accepted.size} accepted, ` +
        `${truth.transferCount} effects, ${faults} faults, ` +
        `${transfers.filter(({ confirmedBy }) => confirmedBy === 'conflict').length} confirmed by conflict\n`,
    );
    expect(new Map(transfers.map(({ externalId, id }) => [externalId, id]))).toEqual(client.accepted);
    expect(transfers.filter(({ state }) => state !== 'succeeded')).toEqual([]);
    expect(truth.transfers.map(({ description }) => description).sort()).toEqual([...client.accepted.keys()].sort());
    expect(truth.money).toEqual({ conserved: true, problems: [] });
    for (const each of running) expect(await each.end('SIGTERM')).toBe(0);
  },
);
