import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { simulatorApiKey, simulatorSecretKey, startSimulator } from '@kpay/simulator';
import { expect, it } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

async function run(args: string[], env: Record<string, string> = {}) {
  const clean = { PATH: process.env.PATH, ...env };
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--conditions=@kpay/source', main, ...args], {
      env: clean,
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

it('without keys the simulator is judged, and that is said', async () => {
  const { code, stdout, stderr } = await run(['--json', '--move-money', '--exhaust-limit']);
  expect(stderr).toContain('says nothing about KPay');
  const { cases } = JSON.parse(stdout) as { cases: { result: string }[] };
  expect(cases.filter(({ result }) => result === 'broken')).toEqual([]);
  expect(code).toBe(0);
  expect(stdout).not.toContain(simulatorSecretKey);
});

it.each<[Record<string, string>, string]>([
  [{ KPAY_BASE_URL: 'http://127.0.0.1:1' }, 'KPAY_API_KEY'],
  [{ KPAY_API_KEY: 'kpay_test_x' }, 'KPAY_SECRET_KEY'],
  [{ KPAY_API_KEY_FILE: '/does/not/exist' }, 'KPAY_API_KEY_FILE'],
  [{ KPAY_API_KEY: 'x', KPAY_SECRET_KEY: 'y' }, 'KPAY_API_KEY'],
  [{ KPAY_API_KEY: 'kpay_test_x', KPAY_SECRET_KEY: 'y', KPAY_BASE_URL: 'ftp://kpay' }, 'KPAY_BASE_URL'],
])('settings that cannot work (%o) end it in one line that names %s', async (env, name) => {
  const { code, stderr } = await run([], env);
  expect({ code, lines: stderr.trim().split('\n').length }).toEqual({ code: 2, lines: 1 });
  expect(stderr).toContain(name);
});

it('an option that does not exist ends it before anything is sent', async () => {
  const { code, stderr } = await run(['--move-mony']);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('--move-mony') });
});

it('a KPay that breaks a documented fact ends it with 1', async () => {
  const simulator = await startSimulator();
  try {
    simulator.control.addFault({ match: { endpoint: 'me' }, times: 1, fault: { kind: 'unknown_enum' } });
    const env = { KPAY_API_KEY: simulatorApiKey, KPAY_SECRET_KEY: simulatorSecretKey, KPAY_BASE_URL: simulator.url };
    const { code, stdout } = await run(['--requests-per-minute', '100000'], env);
    expect(stdout).toContain('broken: key.prefix');
    expect(code).toBe(1);
  } finally {
    await simulator.close();
  }
});
