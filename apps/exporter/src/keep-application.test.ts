import { type KpayAccount, systemClock } from '@kpay/core';
import { openLedger } from '@kpay/ledger';
import { createLogger, openEmbeddedDatabase } from '@kpay/runtime';
import { createSimulator, type Simulator, simulatorApiKey, simulatorApplicationId, simulatorSecretKey } from '@kpay/simulator';
import { embeddedDataFolder, eventually, keepLog, rememberSecret } from '@kpay/testkit';
import type { Ledger } from '@kpay/transfers';
import { openAccount } from '@kpay/transfers/worker';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { startExporter } from './start-exporter.ts';

const OTHER_APPLICATION = '0b7d7c1e-0000-4000-8000-000000000001';
const keys = { apiKey: simulatorApiKey, secretKey: rememberSecret<string>(simulatorSecretKey) };
const west = { apiKey: 'kpay_test_west', secretKey: rememberSecret<string>('west-secret') };
// Asks again after 100 ms instead of 10 s.
const clock = { ...systemClock, sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms / 100, signal) };
const logged: string[] = [];
const kept = keepLog('exporter');
const logger = createLogger({
  name: 'exporter',
  destination: {
    write(line: string) {
      logged.push(line);
      kept.write(line);
    },
  },
});
let simulator: Simulator;

beforeEach(async () => {
  logged.splice(0);
  simulator = await createSimulator({ port: 0, limit: 100_000 });
  onTestFinished(() => simulator.close());
});

function open(name: string, { apiKey, secretKey } = keys): KpayAccount {
  const settings = { name, apiKey, secretKey, baseUrl: simulator.url, environment: 'TEST' as const };
  const account = openAccount({ ...settings, rateLimitPerMinute: 100_000 }, { clock });
  onTestFinished(() => account.close());
  return account;
}

async function start(accounts: readonly KpayAccount[], ledger?: Ledger) {
  const exporter = await startExporter({
    accounts: new Map(accounts.map((account) => [account.name, account])),
    ratePairs: new Map(accounts.map(({ name }) => [name, ['XAF:XOF']])),
    ledger,
    logger,
    web: undefined,
    host: '127.0.0.1',
    port: 0,
  });
  onTestFinished(() => exporter.close());
  /** The series of an account that show figures of KPay, and whether it is said to be another's. */
  const shown = async (account: string) => {
    const text = await (await fetch(`${exporter.url}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.includes(`{account="${account}"`));
    const figure = /^kpay_(wallet_\w+|exchange_rate|provider_status|observation_last_\w+|undocumented_values)\{/;
    return {
      figures: lines.filter((line) => figure.test(line)).length,
      mismatch: lines.includes(`kpay_account_mismatch{account="${account}"} 1`),
      up: lines.includes(`kpay_up{account="${account}"} 1`),
    };
  };
  return { exporter, shown };
}

async function aLedger(): Promise<Ledger> {
  const folder = await embeddedDataFolder();
  const database = await openEmbeddedDatabase({ dataDir: folder.path, logger });
  onTestFinished(async () => {
    await database.close();
    folder.remove();
  });
  return openLedger(database.kysely());
}

const pin = (ledger: Ledger, applicationId: string) =>
  ledger.db
    .insertInto('kpay.accounts')
    .values({
      name: 'default',
      base_url: simulator.url,
      environment: 'TEST',
      application_id: applicationId,
      pinned_at: new Date(),
    })
    .execute();

const NOTHING = { figures: 0, up: false };
const alarms = () => logged.filter((line) => line.includes('"alarm":"keys"'));

describe('an account whose keys are of another', () => {
  it('environment is not shown and raises one alarm; it is once KPay names its own', async () => {
    const { id } = simulator.control.addApplication(west);
    const headers = { 'x-api-key': west.apiKey, 'x-secret-key': west.secretKey };
    const me = (await (await fetch(`${simulator.url}/api/v1/payments/me`, { headers })).json()) as object;
    const body = JSON.stringify({ ...me, environment: 'PRODUCTION' });
    const contentType = 'application/json';
    simulator.control.addFault({
      match: { endpoint: 'me', applicationId: id },
      fault: { kind: 'answer', status: 200, body, contentType },
    });
    const { shown } = await start([open('default'), open('west', west)]);
    await eventually(async () => expect(await shown('default')).toMatchObject({ mismatch: false, up: true }));
    await eventually(async () => expect(await shown('west')).toEqual({ ...NOTHING, mismatch: true }));
    const asked = simulator.control.truth().requests.filter(({ applicationId }) => applicationId === id);
    expect(new Set(asked.map(({ endpoint }) => endpoint))).toEqual(new Set(['me']));
    expect(alarms()).toHaveLength(1);
    expect(alarms()[0]).toContain('the keys are for PRODUCTION, and account west is TEST');
    simulator.control.clearFaults();
    await eventually(async () => expect(await shown('west')).toMatchObject({ mismatch: false, up: true }));
    expect((await shown('west')).figures).toBeGreaterThan(20);
  });

  it('application than the ledger knows is not shown, also when it learns it later', async () => {
    const ledger = await aLedger();
    const { shown } = await start([open('default')], ledger);
    await eventually(async () => expect(await shown('default')).toMatchObject({ mismatch: false, up: true }));
    await pin(ledger, OTHER_APPLICATION);
    await eventually(async () => expect(await shown('default')).toEqual({ ...NOTHING, mismatch: true }));
    expect(alarms()[0]).toContain('belongs to another KPay in this ledger');
    await ledger.db.updateTable('kpay.accounts').set({ application_id: simulatorApplicationId }).execute();
    await eventually(async () => expect(await shown('default')).toMatchObject({ mismatch: false, up: true }), {
      timeoutMs: 10_000,
    });
  });

  it('application is refused as new keys, and the old ones are shown on', async () => {
    simulator.control.addApplication(west);
    const { exporter, shown } = await start([open('default')]);
    await eventually(async () => expect(await shown('default')).toMatchObject({ up: true }));
    await expect(exporter.changeKeys('default', west)).rejects.toThrow('and account default is');
    expect(await shown('default')).toMatchObject({ mismatch: false, up: true });
  });
});

it("takes another's page at /me for nothing: no alarm, asked until KPay answers", async () => {
  simulator.control.addFault({ match: { endpoint: 'me' }, fault: { kind: 'html', status: 403 } });
  const { shown } = await start([open('default')]);
  await eventually(() => expect(simulator.control.truth().requestCounts.byEndpoint.me).toBeGreaterThan(2));
  expect(await shown('default')).toEqual({ ...NOTHING, mismatch: false });
  expect(alarms()).toEqual([]);
  expect(logged.filter((line) => line.includes('it is asked again'))).toHaveLength(1);
  simulator.control.clearFaults();
  await eventually(async () => expect(await shown('default')).toMatchObject({ mismatch: false, up: true }));
});

it('keys that KPay refuses raise one alarm, and are asked about again', async () => {
  const { shown } = await start([open('default', { ...keys, secretKey: rememberSecret<string>('no-secret-of-kpay') })]);
  await eventually(() => expect(simulator.control.truth().requestCounts.byEndpoint.me).toBeGreaterThan(2));
  expect(alarms()).toHaveLength(1);
  expect(await shown('default')).toEqual({ ...NOTHING, mismatch: false });
});
