import { createLogger } from '@kpay/runtime';
import { createSimulator, simulatorApiKey, simulatorSecretKey } from '@kpay/simulator';
import { eventually, keepLog } from '@kpay/testkit';
import { definePlugin, type Plugin } from '@kpay/transfers/plugin';
import { openAccount } from '@kpay/transfers/worker';
import { Counter, Gauge } from 'prom-client';
import { expect, it, onTestFinished } from 'vitest';
import { startExporter } from './start-exporter.ts';

async function scrapeWith(plugins: readonly Plugin[]) {
  const logged: string[] = [];
  const simulator = await createSimulator({ port: 0 });
  onTestFinished(() => simulator.close());
  const keys = { apiKey: simulatorApiKey, secretKey: simulatorSecretKey };
  const account = openAccount({ name: 'default', ...keys, baseUrl: simulator.url, environment: 'TEST' });
  onTestFinished(() => account.close());
  const exporter = await startExporter({
    accounts: new Map([['default', account]]),
    ratePairs: new Map(),
    ledger: undefined,
    web: undefined,
    logger: createLogger({ name: 'exporter', destination: { write: hear(logged) } }),
    host: '127.0.0.1',
    port: 0,
    plugins,
  });
  onTestFinished(() => exporter.close());
  const scrape = async () => (await fetch(`${exporter.url}/metrics`)).text();
  await eventually(async () => expect(await scrape()).toContain('kpay_up{account="default"} 1'), { timeoutMs: 10_000 });
  return { metrics: await scrape(), scrape, logged, simulator };
}

const registering = (name: string, register: NonNullable<Plugin['collectors']>[number]['register']): Plugin =>
  definePlugin({ name, collectors: [{ name: 'only', register }] });

it('a collector shows metrics of what was observed, without a request of its own', async () => {
  const wallets = registering('acme', ({ registry, accounts }) => {
    new Gauge({
      name: 'acme_wallets',
      help: 'Currencies with a wallet.',
      labelNames: ['account'],
      registers: [registry],
      collect() {
        for (const { name, shown } of accounts) {
          this.set({ account: name }, shown.balance()?.value.length ?? 0);
        }
      },
    });
  });
  const { scrape, simulator } = await scrapeWith([wallets]);
  const before = simulator.control.truth().requestCounts.total;
  const [metrics] = await Promise.all([scrape(), scrape(), scrape()]);
  expect(metrics).toMatch(/^acme_wallets\{account="default"\} [1-9]\d*$/m);
  expect(simulator.control.truth().requestCounts.total).toBe(before);
});

it('collectors that throw, hang or take a used name lose only their own metrics', async () => {
  const gauge = (name: string, collect: () => void | Promise<void>) =>
    registering(name, ({ registry }) => void new Gauge({ name: `${name}_value`, help: '-', registers: [registry], collect }));
  const { metrics, logged } = await scrapeWith([
    gauge('throws', () => {
      throw new Error('no database');
    }),
    gauge('hangs', () => new Promise(() => {})),
    registering('unregistered', () => {
      throw new Error('no licence');
    }),
    registering('thief', ({ registry }) => {
      new Gauge({ name: 'kpay_up', help: 'Not ours.', registers: [registry] }).set(7);
      new Counter({ name: 'thief_own', help: 'Its own.', registers: [registry] }).inc();
    }),
    gauge('good', () => {}),
  ]);
  expect(metrics).toContain('kpay_up{account="default"} 1');
  expect(metrics.match(/^# TYPE kpay_up /gm)).toHaveLength(1);
  expect(metrics).toContain('good_value 0');
  expect(metrics).toContain('thief_own 1');
  expect(metrics).not.toMatch(/throws_value|hangs_value|^kpay_up 7/m);
  for (const plugin of ['throws', 'hangs', 'unregistered', 'thief']) {
    expect(metrics).toMatch(new RegExp(`^kpay_plugin_failures_total\\{plugin="${plugin}"\\} [1-9]`, 'm'));
  }
  expect(metrics).toContain('kpay_plugin_failures_total{plugin="good"} 0');
  for (const error of ['no database', 'no licence', 'took longer than 2 s']) expect(logged.join('')).toContain(error);
});

function hear(logged: string[]): (line: string) => void {
  const kept = keepLog('exporter');
  return (line) => {
    logged.push(line);
    kept.write(line);
  };
}
