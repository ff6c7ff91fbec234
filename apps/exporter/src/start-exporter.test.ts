import { spawnSync } from 'node:child_process';
import { createMemoryStores, type KpayAccount, systemClock } from '@kpay/core';
import { createCallWatchers, createLogger, createMetricsRegistry, type Logger } from '@kpay/runtime';
import { createSimulator, type Simulator, simulatorApiKey, simulatorSecretKey } from '@kpay/simulator';
import { eventually, findProgram, keepLog, unavailable } from '@kpay/testkit';
import { type AccountOptions, openAccount } from '@kpay/transfers/worker';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ExporterOptions, startExporter } from './index.ts';

const PLENTY = 100_000;
const SLOW = { balance: 60_000, availability: 60_000, rate: 60_000 };
const QUICK = { balance: 50, availability: 50, rate: 50 };
const releasers: (() => Promise<unknown>)[] = [];
let simulator: Simulator;
let logged: string[];

beforeEach(async () => {
  logged = [];
  simulator = await createSimulator({ port: 0, limit: PLENTY, caching: false });
  releasers.push(() => simulator.close());
});
afterEach(async () => {
  for (const release of releasers.splice(0).reverse()) await release();
});

const simulatorKeys = { apiKey: simulatorApiKey, secretKey: simulatorSecretKey };

function openHere(name = 'default', options: AccountOptions = {}, keys = simulatorKeys): KpayAccount {
  const settings = { name, ...keys, baseUrl: simulator.url };
  const account = openAccount({ ...settings, environment: 'TEST', rateLimitPerMinute: PLENTY }, options);
  releasers.push(() => account.close());
  return account;
}

function testLogger(): Logger {
  return createLogger({ name: 'exporter', destination: { write: hear(logged) } });
}

async function start(account: KpayAccount, options: Partial<ExporterOptions> = {}) {
  const exporter = await startExporter({
    accounts: new Map([[account.name, account]]),
    ratePairs: new Map([[account.name, ['XAF:XOF']]]),
    ledger: undefined,
    logger: testLogger(),
    web: undefined,
    host: '127.0.0.1',
    port: 0,
    everyMs: QUICK,
    // A busy machine reads later than that.
    seriesMaxAgeMs: SLOW,
    ...options,
  });
  releasers.push(() => exporter.close());
  return exporter;
}

async function scrape(exporter: { url: string }): Promise<string> {
  const response = await fetch(`${exporter.url}/metrics`);
  expect(response.status).toBe(200);
  return response.text();
}

/** The value of one series; undefined when there is none. */
function valueIn(metrics: string, series: string): number | undefined {
  const line = metrics.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

function seriesOf(metrics: string, name: string): string[] {
  return metrics.split('\n').filter((line) => line.startsWith(`${name}{`));
}

const UP = 'kpay_up{account="default"}';
const BALANCE = 'kpay_wallet_balance{account="default",currency="XAF"}';
const RATE = 'kpay_exchange_rate{account="default",from="XAF",to="XOF"}';
const statusSeries = (country: string, provider: string, operation: string, status: string) =>
  `kpay_provider_status{account="default",country="${country}",provider="${provider}",operation="${operation}",status="${status}"}`;

describe('/metrics', () => {
  it("shows KPay's figures: balances by currency, rates, statuses of operations", async () => {
    simulator.control.setBalance({ country: 'CMR', balance: 150_000, reservedBalance: 25_000 });
    simulator.control.setBalance({ country: 'KEN', balance: '1500.5' });
    simulator.control.addFault({ fault: { kind: 'balance_rows' } });
    simulator.control.setRate({ from: 'XAF', to: 'XOF', rate: 1.0153 });
    simulator.control.setAvailability({ country: 'CMR', provider: 'ORANGE_CMR', operationType: 'PAYOUT', status: 'DELAYED' });
    const wallets = simulator.control.truth().wallets.filter(({ currency }) => currency === 'XAF');
    const total = (figure: 'balance' | 'reservedBalance' | 'availableBalance') =>
      wallets.reduce((sum, wallet) => sum + Number(wallet[figure]), 0);

    const exporter = await start(openHere());
    const metrics = await eventually(async () => {
      const text = await scrape(exporter);
      expect(valueIn(text, UP)).toBe(1);
      expect(valueIn(text, RATE)).toBe(1.0153);
      return text;
    });
    expect(wallets.length).toBeGreaterThan(1);
    expect(valueIn(metrics, BALANCE)).toBe(total('balance'));
    expect(valueIn(metrics, 'kpay_wallet_reserved_balance{account="default",currency="XAF"}')).toBe(total('reservedBalance'));
    expect(valueIn(metrics, 'kpay_wallet_available_balance{account="default",currency="XAF"}')).toBe(total('availableBalance'));
    expect(valueIn(metrics, 'kpay_wallet_balance{account="default",currency="KES"}')).toBe(1500.5);
    const statuses = ['OPERATIONAL', 'DELAYED', 'CLOSED'].map((status) =>
      valueIn(metrics, statusSeries('CMR', 'ORANGE_CMR', 'PAYOUT', status)),
    );
    expect(statuses).toEqual([0, 1, 0]);
    for (const observation of ['balance', 'availability', 'rate']) {
      const failed = `kpay_observation_failures_total{account="default",observation="${observation}"}`;
      expect(valueIn(metrics, failed)).toBe(0);
      const series = `kpay_observation_last_success_timestamp_seconds{account="default",observation="${observation}"}`;
      expect(Math.abs(Date.now() / 1_000 - (valueIn(metrics, series) ?? 0))).toBeLessThan(60);
    }
    expect(valueIn(metrics, 'kpay_api_budget_remaining{account="default"}')).toBeGreaterThan(0);
  });

  it('does not show what was asked for in the future, after a clock was set back', async () => {
    let setMs = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + setMs };
    const exporter = await start(openHere('default', { clock }), { everyMs: SLOW });
    await eventually(async () => expect(valueIn(await scrape(exporter), BALANCE)).toBeGreaterThan(0));
    setMs = -60 * 60_000;
    const metrics = await scrape(exporter);
    expect(valueIn(metrics, BALANCE)).toBeUndefined();
    expect(seriesOf(metrics, 'kpay_provider_status')).toEqual([]);
  });

  const promtool = findProgram(['promtool']) ?? unavailable('there is no promtool on PATH');
  it.skipIf(typeof promtool !== 'string')('is clean for `promtool check metrics`', async () => {
    const registry = createMetricsRegistry();
    const account = openHere('default', createCallWatchers(registry, testLogger())('default'));
    const exporter = await start(account, { registry });
    const metrics = await eventually(async () => {
      const text = await scrape(exporter);
      expect(valueIn(text, 'kpay_api_requests_total{account="default",endpoint="balance",outcome="ok"}')).toBeGreaterThan(0);
      expect(valueIn(text, UP)).toBe(1);
      return text;
    });
    expect(seriesOf(metrics, 'kpay_api_request_duration_seconds_bucket').length).toBeGreaterThan(0);
    const checked = spawnSync(String(promtool), ['check', 'metrics'], { input: metrics, encoding: 'utf8' });
    expect({ status: checked.status, said: checked.stdout + checked.stderr }).toEqual({ status: 0, said: '' });
  });

  it('counts drift of KPay from its documents, and logs each path once', async () => {
    simulator.control.addFault({ match: { endpoint: 'availability' }, fault: { kind: 'unknown_enum' } });
    const registry = createMetricsRegistry();
    const exporter = await start(openHere('default', createCallWatchers(registry, testLogger())('default')), { registry });
    await eventually(() => expect(simulator.control.truth().requestCounts.byEndpoint.availability).toBeGreaterThan(5));
    const metrics = await scrape(exporter);
    const lines = logged.map((line) => JSON.parse(line)).filter(({ kind }) => kind === 'unknown_value');
    const drift = 'kpay_api_drift_total{account="default",endpoint="availability",kind="unknown_value"}';
    expect(lines.length).toBeGreaterThan(0);
    expect(new Set(lines.map(({ path }) => path)).size).toBe(lines.length);
    expect(valueIn(metrics, drift)).toBe(lines.length);
  });

  it('never asks KPay: a hundred scrapes of ten exporters cost no request', async () => {
    const stores = createMemoryStores();
    const accounts = Array.from({ length: 10 }, () => openHere('default', { stores }));
    const exporters = await Promise.all(accounts.map((account) => start(account, { everyMs: SLOW })));
    // Each exporter asks once which application its keys belong to.
    const settled = { availability: 1, balance: 1, 'exchange-rate': 1, me: 10 };
    await eventually(async () => {
      for (const exporter of exporters) expect(valueIn(await scrape(exporter), RATE)).toBeGreaterThan(0);
      for (const exporter of exporters) expect(valueIn(await scrape(exporter), UP)).toBe(1);
    });
    await Promise.all(Array.from({ length: 10 }, () => exporters.map(scrape)).flat());
    expect(simulator.control.truth().requestCounts.byEndpoint).toEqual(settled);
  });

  it('does not wait for KPay: while every call hangs it serves what is known', async () => {
    const exporter = await start(openHere(), { seriesMaxAgeMs: SLOW });
    await eventually(async () => expect(valueIn(await scrape(exporter), BALANCE)).toBeGreaterThan(0));
    simulator.control.addFault({ fault: { kind: 'hang' } });
    const hanging = () => simulator.control.truth().requests.filter(({ ending }) => ending === 'open').length;
    await eventually(() => expect(hanging()).toBe(3));
    const metrics = await Promise.all(Array.from({ length: 20 }, () => scrape(exporter)));
    expect(hanging()).toBe(3);
    for (const text of metrics) expect(valueIn(text, BALANCE)).toBeGreaterThan(0);
    await simulator.close();
  });

  it('drops the series of a source that is too old, shows KPay as down, and recovers', async () => {
    const exporter = await start(openHere('default', { timeoutMs: 100 }), {
      seriesMaxAgeMs: { balance: 2_000, availability: 2_000, rate: 2_000 },
    });
    await eventually(async () => {
      const text = await scrape(exporter);
      expect(valueIn(text, UP)).toBe(1);
      expect(valueIn(text, RATE)).toBeGreaterThan(0);
    });
    simulator.control.addFault({ fault: { kind: 'hang' } });
    const down = await eventually(async () => {
      const text = await scrape(exporter);
      for (const name of ['kpay_provider_status', 'kpay_wallet_balance', 'kpay_exchange_rate']) {
        expect(seriesOf(text, name)).toEqual([]);
      }
      return text;
    });
    expect(valueIn(down, UP)).toBe(0);
    expect(seriesOf(down, 'kpay_observation_last_success_timestamp_seconds')).toHaveLength(3);
    expect(valueIn(down, 'kpay_observation_failures_total{account="default",observation="balance"}')).toBeGreaterThan(0);
    simulator.control.clearFaults();
    await eventually(async () => {
      const text = await scrape(exporter);
      expect(valueIn(text, UP)).toBe(1);
      expect(valueIn(text, BALANCE)).toBeGreaterThan(0);
    });
  });

  it('counts a value that nobody documented and makes no label of it', async () => {
    simulator.control.setAvailability({ country: 'CMR', provider: 'MTN_MOMO_CMR', operationType: 'PAYOUT', status: 'HALF_OPEN' });
    simulator.control.setAvailability({ country: 'CMR', provider: 'MTN_MOMO_CMR', operationType: 'GIFT', status: 'CLOSED' });
    simulator.control.setAvailability({ country: 'TZA', provider: 'MTN_MOMO_TZA', operationType: 'PAYOUT', status: 'CLOSED' });
    simulator.control.setAvailability({ country: 'TZA', provider: 'see "notes"', operationType: 'PAYOUT', status: 'CLOSED' });
    const exporter = await start(openHere(), { everyMs: SLOW });
    const metrics = await eventually(async () => {
      const text = await scrape(exporter);
      expect(valueIn(text, statusSeries('TZA', 'MTN_MOMO_TZA', 'PAYOUT', 'CLOSED'))).toBe(1);
      // The balance is a separate read and can arrive later.
      expect(text).toContain('kpay_undocumented_values{account="default",field="currency"');
      return text;
    });
    const unknown = (field: string) => valueIn(metrics, `kpay_unknown_values_total{account="default",field="${field}"}`);
    expect([unknown('country'), unknown('provider'), unknown('operation'), unknown('status')]).toEqual([1, 2, 1, 1]);
    const at = (field: string, country: string, provider: string) =>
      valueIn(
        metrics,
        `kpay_undocumented_values{account="default",field="${field}",country="${country}",provider="${provider}"}`,
      );
    expect([at('status', 'CMR', 'MTN_MOMO_CMR'), at('operation', 'CMR', 'MTN_MOMO_CMR')]).toEqual([1, 1]);
    expect([at('country', 'TZA', ''), at('provider', 'TZA', 'MTN_MOMO_TZA'), at('provider', 'TZA', '')]).toEqual([1, 1, 1]);
    expect([at('status', 'CMR', 'ORANGE_CMR'), at('currency', '', '')]).toEqual([0, 0]);
    expect(metrics).not.toMatch(/HALF_OPEN|GIFT|notes/);
    const statuses = ['OPERATIONAL', 'DELAYED', 'CLOSED'].map((status) =>
      valueIn(metrics, statusSeries('CMR', 'MTN_MOMO_CMR', 'PAYOUT', status)),
    );
    expect(statuses).toEqual([0, 0, 0]);
  });

  it('has a bound on the series that names of KPay make, and counts what it leaves out', async () => {
    for (let n = 0; n < 210; n += 1) {
      simulator.control.setAvailability({ country: 'CMR', provider: `NEW_${n}`, operationType: 'PAYOUT', status: 'CLOSED' });
    }
    const exporter = await start(openHere(), { everyMs: SLOW });
    const metrics = await eventually(async () => {
      const text = await scrape(exporter);
      expect(valueIn(text, statusSeries('CMR', 'MTN_MOMO_CMR', 'PAYOUT', 'OPERATIONAL'))).toBe(1);
      return text;
    });
    const shown = seriesOf(metrics, 'kpay_provider_status').filter((line) => line.includes('provider="NEW_'));
    expect(shown).toHaveLength(200 * 3);
    expect(valueIn(metrics, 'kpay_names_left_out_total{account="default",field="provider"}')).toBe(10);
    expect(valueIn(metrics, 'kpay_names_left_out_total{account="default",field="currency"}')).toBe(0);
  });

  it("shows how often an operator's status changed, and how long it had each", async () => {
    const operation = { country: 'CMR', provider: 'MTN_MOMO_CMR', operationType: 'PAYOUT' };
    const labels = 'account="default",country="CMR",provider="MTN_MOMO_CMR",operation="PAYOUT"';
    const exporter = await start(openHere());
    const value = async (name: string, more = '') => valueIn(await scrape(exporter), `${name}{${labels}${more}}`) ?? 0;
    const changes = () => value('kpay_provider_status_changes_total');
    const seconds = (status: string) => value('kpay_provider_status_seconds_total', `,status="${status}"`);
    await eventually(async () => expect(await seconds('OPERATIONAL')).toBeGreaterThan(0));
    expect([await changes(), await seconds('CLOSED')]).toEqual([0, 0]);
    simulator.control.setAvailability({ ...operation, status: 'CLOSED' });
    await eventually(async () => expect(await seconds('CLOSED')).toBeGreaterThan(0.05));
    expect(await changes()).toBe(1);
    simulator.control.setAvailability({ ...operation, status: 'OPERATIONAL' });
    await eventually(async () => expect(await changes()).toBe(2));
  });

  it('speaks OpenMetrics to whoever asks for it, to the last line', async () => {
    const exporter = await start(openHere());
    await eventually(async () => expect(valueIn(await scrape(exporter), UP)).toBe(1));
    const answer = await fetch(`${exporter.url}/metrics`, { headers: { accept: 'application/openmetrics-text; version=1.0.0' } });
    expect(answer.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    const text = await answer.text();
    expect(text).toContain('# TYPE kpay_unknown_values counter\n');
    expect(text.match(/# EOF/g)).toHaveLength(1);
    expect(text.endsWith('\n# EOF\n')).toBe(true);
    expect(valueIn(await scrape(exporter), UP)).toBe(1);
  });
});

describe('the exporter', () => {
  it('logs a failure when it begins and when it ends, not at each try, and no secret', async () => {
    const account = openHere();
    simulator.control.addFault({ match: { endpoint: 'balance' }, fault: { kind: 'status', status: 500 } });
    const exporter = await start(account);
    const failures = 'kpay_observation_failures_total{account="default",observation="balance"}';
    await eventually(async () => expect(valueIn(await scrape(exporter), failures)).toBeGreaterThan(3));
    expect(valueIn(await scrape(exporter), UP)).toBe(0);
    simulator.control.clearFaults();
    await eventually(async () => expect(valueIn(await scrape(exporter), UP)).toBe(1));
    expect(logged.map((line) => JSON.parse(line).msg)).toEqual([
      'cannot read KPay; its series vanish unless a later read succeeds',
      'KPay answers again',
    ]);
    expect(logged.join('')).not.toContain(simulatorSecretKey);
    expect(logged.join('')).not.toContain(simulatorApiKey);
  });

  it('is healthy and ready while KPay is not', async () => {
    simulator.control.addFault({ fault: { kind: 'hang' } });
    const exporter = await start(openHere());
    for (const path of ['/healthz', '/readyz']) expect((await fetch(exporter.url + path)).status).toBe(200);
    expect(valueIn(await scrape(exporter), UP)).toBe(0);
    await simulator.close();
  });

  it('asks nothing any more once it is closed', async () => {
    const keys = { apiKey: 'kpay_test_second', secretKey: 'second-secret' };
    const second = simulator.control.addApplication(keys);
    const requests = (ofSecond: boolean) =>
      simulator.control.truth().requests.filter(({ applicationId }) => (applicationId === second.id) === ofSecond);
    const exporter = await start(openHere());
    await eventually(() => expect(requests(false).length).toBeGreaterThan(10));
    await exporter.close();
    const asked = requests(false).length;
    await start(openHere('second', {}, keys));
    await eventually(() => expect(requests(true).length).toBeGreaterThan(30));
    // Reads that were under way run to their end, one for each observation at most: they belong to all who share them.
    expect(requests(false).length).toBeLessThanOrEqual(asked + 3);
  });
});

function hear(logged: string[]): (line: string) => void {
  const kept = keepLog('exporter');
  return (line) => {
    logged.push(line);
    kept.write(line);
  };
}
