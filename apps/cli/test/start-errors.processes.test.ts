import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSimulator, type Simulator } from '@kpay/simulator';
import { eventually, temporaryFolder } from '@kpay/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getTransfer, postTransfer } from './ask-api.ts';
import { runKpay, settingsFor, startKpay } from './start-kpay.ts';

const REFUSED_WITHIN_MS = 15_000;
const TEST_TIMEOUT_MS = 60_000;

const otherApplication = { apiKey: 'kpay_test_other', secretKey: 'other-secret' };

// All rows share a folder, in this order. Each row that opens the ledger shows that the one before released it.
describe('a start that cannot work says in one line what to do', { timeout: TEST_TIMEOUT_MS }, () => {
  const folder = temporaryFolder();
  const busy = createServer();
  let simulator: Simulator;
  let other: Simulator;
  let busyPort: string;
  let transferId: string;

  beforeAll(async () => {
    simulator = await createSimulator({ port: 0, applications: [otherApplication] });
    other = await createSimulator({ port: 0 });
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
    busyPort = String((busy.address() as AddressInfo).port);
  });
  afterAll(async () => {
    busy.close();
    await Promise.all([simulator.close(), other.close()]);
    folder.remove();
  });

  /** @returns the one line, without the name of the program. */
  async function refusalOf(changes: Record<string, string>): Promise<string> {
    const startedMs = performance.now();
    const settings = { ...settingsFor(simulator, folder.path), ...changes };
    const kpay = runKpay(['up'], settings);
    const { code } = await kpay.ended;
    expect(performance.now() - startedMs).toBeLessThan(REFUSED_WITHIN_MS);
    expect(code).toBe(1);
    expect(kpay.stdout()).toBe('');
    const lines = kpay.stderr().trimEnd().split('\n');
    expect(lines).toEqual([expect.stringMatching(/^kpay: \S/)]);
    for (const secret of [settings.KPAY_SECRET_KEY, settings.KPAY_API_KEY, 'database-password']) {
      if (secret) expect(lines[0]).not.toContain(secret);
    }
    return lines[0]?.replace('kpay: ', '') ?? '';
  }

  it('a second start on the folder of a running one, which goes on undisturbed', async () => {
    const running = await startKpay(settingsFor(simulator, folder.path));
    expect(await refusalOf({})).toBe(
      `another kpay is running on the data folder ${folder.path}: stop it first, or set KPAY_DATA_DIR to a folder of its own`,
    );
    const order = { externalId: 'kept', sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
    transferId = (await postTransfer(running.apiUrl, order)).id;
    await eventually(async () => expect((await getTransfer(running.apiUrl, transferId)).state).toBe('succeeded'));
    await running.end('SIGINT');
  });

  it.each(['ADMIN_API_PORT', 'EXPORTER_PORT', 'WORKER_PORT'])('%s in use', async (setting) => {
    expect(await refusalOf({ [setting]: busyPort })).toBe(`port ${busyPort} is in use: set ${setting} to a free one`);
  });

  it('SIMULATOR_PORT in use', async () => {
    const noKeys = { KPAY_API_KEY: '', KPAY_SECRET_KEY: '' };
    expect(await refusalOf({ ...noKeys, SIMULATOR_PORT: busyPort })).toBe(
      `port ${busyPort} is in use: set SIMULATOR_PORT to a free one`,
    );
  });

  it.each(['not..a..host', '192.0.2.1'])('HOST=%s with the simulator', async (host) => {
    const noKeys = { KPAY_API_KEY: '', KPAY_SECRET_KEY: '' };
    expect(await refusalOf({ ...noKeys, HOST: host })).toBe(
      `${host} is not an address of this machine: set HOST to one, or leave it out for 127.0.0.1`,
    );
  });

  it('a key that KPay does not know', async () => {
    expect(await refusalOf({ KPAY_API_KEY: 'kpay_test_x' })).toBe(
      'KPay refuses the keys of account default (401): check its API key and secret key',
    );
  });

  it('one half of the keys', async () => {
    expect(await refusalOf({ KPAY_SECRET_KEY: '' })).toBe('KPAY_API_KEY is set but KPAY_SECRET_KEY is not: KPay needs both');
  });

  it.each([
    ['KPAY_RATE_PAIRS', 'XAF:XOF,XAF-XOF', 'KPAY_RATE_PAIRS must be two currencies such as XAF:XOF, not XAF-XOF'],
    ['KPAY_OBSERVE_BALANCE_SECONDS', '-1', 'KPAY_OBSERVE_BALANCE_SECONDS must be a number from 1 to 86400, not -1'],
    ['KPAY_WORKER_ACCOUNTS', 'nobody', 'KPAY_WORKER_ACCOUNTS names nobody, which is not among the accounts'],
    [
      'KPAY_WEB_CONFIG_FILE',
      '/nowhere.yml',
      "KPAY_WEB_CONFIG_FILE /nowhere.yml: cannot be read (ENOENT: no such file or directory, open '/nowhere.yml')",
    ],
  ])('%s=%s', async (setting, value, message) => {
    expect(await refusalOf({ [setting]: value })).toBe(message);
  });

  it('a live key without KPAY_ENVIRONMENT=PRODUCTION', async () => {
    expect(await refusalOf({ KPAY_API_KEY: 'kpay_live_x' })).toMatch(/^account default has a live key: set KPAY_ENVIRONMENT=/);
  });

  it.each([
    ['DATABASE_URL', 'REDIS_URL', 'postgres://kpay:database-password@127.0.0.1:1/kpay'],
    ['REDIS_URL', 'DATABASE_URL', 'redis://:database-password@127.0.0.1:1'],
  ])('%s without %s', async (set, missing, url) => {
    expect(await refusalOf({ [set]: url })).toBe(
      `${set} is set but ${missing} is not: set both for production, or neither to run embedded`,
    );
  });

  it('both of them, which belong to the apps by themselves', async () => {
    const urls = { DATABASE_URL: 'postgres://kpay:database-password@127.0.0.1:1/kpay', REDIS_URL: 'redis://127.0.0.1:1' };
    expect(await refusalOf(urls)).toMatch(/^kpay up runs everything in one process: leave out DATABASE_URL and REDIS_URL/);
  });

  it('a ledger that knows the account at another address', async () => {
    expect(await refusalOf({ KPAY_BASE_URL: other.url })).toMatch(
      /^account default belongs to another KPay in this ledger \(base URL .+\): restore its settings, or give the new keys another account name$/,
    );
    expect(other.control.truth().requestCounts.byEndpoint).not.toHaveProperty('transfer');
  });

  it('a ledger that knows the account as another application', async () => {
    const { apiKey, secretKey } = otherApplication;
    expect(await refusalOf({ KPAY_API_KEY: apiKey, KPAY_SECRET_KEY: secretKey })).toMatch(
      /^account default belongs to another KPay in this ledger \(application .+\): restore its settings/,
    );
  });

  it('and with the right settings the folder works as before', async () => {
    const running = await startKpay(settingsFor(simulator, folder.path));
    expect(await getTransfer(running.apiUrl, transferId)).toMatchObject({ externalId: 'kept', state: 'succeeded' });
    expect(await running.end('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});
