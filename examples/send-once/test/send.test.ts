import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Simulator, startSimulator } from '@kpay/simulator';
import { afterEach, beforeEach, expect, it } from 'vitest';

let simulator: Simulator;
let folder: string;

beforeEach(async () => {
  simulator = await startSimulator();
  folder = mkdtempSync(join(tmpdir(), 'kpay-send-once-'));
});

afterEach(async () => {
  await simulator.close();
  rmSync(folder, { recursive: true });
});

const program = join(import.meta.dirname, '../src/send.ts');

function send(...words: string[]): Promise<{ code: number; printed: string }> {
  const { apiKey, secretKey, baseUrl } = simulator;
  const keys = { KPAY_API_KEY: apiKey, KPAY_SECRET_KEY: secretKey, KPAY_BASE_URL: baseUrl };
  const options = { cwd: folder, env: { ...process.env, ...keys } };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...words], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), printed: stdout + stderr }),
    );
  });
}

const moved = (): number => simulator.control.truth().transfers.length;

it('moves the money once, however often it is started', async () => {
  const first = await send('invoice-7', 'CMR', 'GAB', '50000');
  expect(first).toMatchObject({ code: 0, printed: expect.stringMatching(/^made: /) });
  expect(await send('invoice-7', 'CMR', 'GAB', '50000')).toEqual(first);
  expect(moved()).toBe(1);
});

it('says what is wrong, and nothing moves', async () => {
  const { code, printed } = await send('invoice-8', 'CMR', 'GAB', '50.5');
  expect({ code, printed }).toMatchObject({ code: 1, printed: expect.stringContaining('must be a whole number of XAF') });
  expect(moved()).toBe(0);
});
