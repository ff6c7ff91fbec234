import { createSimulator, type Simulator } from '@kpay/simulator';
import { eventually, seededRandom, temporaryFolder } from '@kpay/testkit';
import type { TransferView } from '@kpay/transfers';
import { expect, it, onTestFinished } from 'vitest';
import { listTransfers } from './ask-api.ts';
import { endWaits } from './end-waits.ts';
import { addFaults, createClient } from './load.ts';
import { type RunningKpay, settingsFor, startKpay } from './start-kpay.ts';

// Each kill takes about four seconds. KPAY_TEST_KILLS sets their number: 20 in CI, or many for a night.
const KILLS = Number(process.env.KPAY_TEST_KILLS ?? 8);
const TEST_TIMEOUT_MS = 120_000 + KILLS * 10_000;
const ORDERS_A_LIFE = 40;
const MAX_SENDS_A_LIFE = 30;
const SETTLED_WITHIN_MS = 90_000;

/** Kills it in the middle of a send, a random number of sends after its start. */
async function killUnderLoad(kpay: RunningKpay, { client, simulator, random }: Load): Promise<void> {
  const sends = () => simulator.control.truth({ transfers: 0, requests: 0 }).requestCounts.byEndpoint.transfer ?? 0;
  const enough = { accepted: client.accepted.size + 1, sends: sends() + 1 + Math.floor(random() * MAX_SENDS_A_LIFE) };
  const posted = client.post(kpay.apiUrl, ORDERS_A_LIFE);
  await eventually(
    () => {
      expect(client.accepted.size).toBeGreaterThanOrEqual(enough.accepted);
      expect(sends()).toBeGreaterThanOrEqual(enough.sends);
    },
    { timeoutMs: 60_000, everyMs: 5 },
  );
  expect(await kpay.end('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
  await posted;
}

interface Load {
  client: ReturnType<typeof createClient>;
  simulator: Simulator;
  random: () => number;
}

it(`${KILLS} kills under load: nothing accepted is missing, nothing is sent twice`, { timeout: TEST_TIMEOUT_MS }, async () => {
  const seed = Date.now() % 2 ** 31;
  const random = seededRandom(seed);
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const simulator = await createSimulator({ port: 0, limit: 1_000_000, latencyMs: 20, seed });
  onTestFinished(() => simulator.close());
  addFaults(simulator, 0.1);
  const settings = {
    ...settingsFor(simulator, folder.path),
    KPAY_RATE_LIMIT_PER_MINUTE: '100000',
    KPAY_CONFLICT_CONFIRM_SECONDS: '1',
  };
  const client = createClient();

  for (let kill = 0; kill < KILLS; kill += 1) {
    await killUnderLoad(await startKpay(settings), { client, simulator, random });
  }
  const leftBehind = await endWaits(folder.path);
  const faults = simulator.control.listFaults().reduce((sum, { fired }) => sum + fired, 0);
  simulator.control.clearFaults();

  const last = await startKpay(settings);
  await client.post(last.apiUrl, 1);
  const transfers = await eventually(
    async () => {
      const all = await listTransfers(last.apiUrl);
      expect(all.filter(({ finishedAt, state }) => finishedAt === null && state !== 'review').map(({ state }) => state)).toEqual(
        [],
      );
      return all;
    },
    { timeoutMs: SETTLED_WITHIN_MS, everyMs: 500 },
  );
  expect(await last.end('SIGINT')).toEqual({ code: 0, signal: null });

  const truth = simulator.control.truth();
  report({ seed, transfers, effects: truth.transferCount, accepted: client.accepted.size, leftBehind, faults });
  expect(new Map(transfers.map(({ externalId, id }) => [externalId, id]))).toEqual(client.accepted);
  expect(transfers.filter(({ state }) => state !== 'succeeded')).toEqual([]);
  expect(truth.transfers.map(({ description }) => description).sort()).toEqual([...client.accepted.keys()].sort());
  expect(truth.money).toEqual({ conserved: true, problems: [] });
});

function report(seen: {
  seed: number;
  transfers: TransferView[];
  accepted: number;
  effects: number;
  leftBehind: number;
  faults: number;
}): void {
  const { seed, transfers, accepted, effects, leftBehind, faults } = seen;
  const count = (what: (transfer: TransferView) => boolean) => transfers.filter(what).length;
  process.stdout.write(
    `${KILLS} kills (seed ${seed}): ${accepted} accepted, ${effects} effects, ${faults} faults, ` +
      `${count(({ attempts }) => attempts > 1)} sent again, ${count(({ confirmedBy }) => confirmedBy === 'conflict')} confirmed ` +
      `by conflict, ${leftBehind} under way at the last kill\n`,
  );
}
