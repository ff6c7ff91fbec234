import { join } from 'node:path';
import { createSimulator } from '@kpay/simulator';
import { seededRandom, temporaryFolder } from '@kpay/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { listTransfers } from './ask-api.ts';
import { killImport, startImport, writeImportFile } from './import-files.ts';
import { adminToken, settingsFor, startKpay } from './start-kpay.ts';

const LINES = 10_000;
const BAD = 50;
const KILLS = 10;
const MAX_CHUNKS_A_LIFE = 5;

it(`${LINES} lines with ${BAD} bad ones over ${KILLS} kills: each good line is one transfer`, { timeout: 900_000 }, async () => {
  const seed = Date.now() % 2 ** 31;
  const random = seededRandom(seed);
  const folder = temporaryFolder();
  onTestFinished(folder.remove);
  const simulator = await createSimulator({ port: 0, limit: 1_000_000, seed });
  onTestFinished(() => simulator.close());
  const kpay = await startKpay({ ...settingsFor(simulator, join(folder.path, 'data')), KPAY_API_REQUESTS_PER_MINUTE: '100000' });
  const api = { url: kpay.apiUrl, token: adminToken };
  const file = writeImportFile(join(folder.path, 'payouts.csv'), { lines: LINES, bad: BAD });

  for (let kill = 0; kill < KILLS; kill += 1) {
    await killImport(file.path, api, { chunks: 1 + Math.floor(random() * MAX_CHUNKS_A_LIFE), afterMs: random() * 200 });
  }
  const { code, stdout } = await startImport(file.path, api).ended;
  const { refused, result } = JSON.parse(stdout);
  expect(code).toBe(8);
  expect(refused.map(({ line, field }: { line: number; field: string }) => ({ line, field }))).toEqual(file.bad);
  expect(refused.filter(({ reason }: { reason: string }) => reason === '')).toEqual([]);
  expect(result.accepted + result.acceptedBefore).toBe(file.good);

  const transfers = await listTransfers(kpay.apiUrl);
  // The amount of a good line is that of no other.
  const amounts = transfers.map(({ amount }) => amount);
  expect({ transfers: transfers.length, different: new Set(amounts).size }).toEqual({
    transfers: file.good,
    different: file.good,
  });
  process.stdout.write(
    `${KILLS} kills (seed ${seed}): ${file.good} transfers, ${result.acceptedBefore} of them before the last run\n`,
  );
});
