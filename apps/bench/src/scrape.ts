import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Kpay } from '@kpay/core';
import { startExporter } from '@kpay/exporter';
import { createLogger, createMetricsRegistry } from '@kpay/runtime';
import { simulatorApiKey, simulatorSecretKey, startSimulator } from '@kpay/simulator';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { median } from './median.ts';

export interface ScrapeCost {
  /** Series in a scrape. */
  series: number;
  /** Processor milliseconds of a scrape, the scraper's included, a pair each round. */
  rounds: { ours: number; bare: number }[];
  /** p99 of a scrape in milliseconds, while KPay answers and while it hangs on every call. */
  p99Ms: { healthy: number; hanging: number };
  /** Time from the first hanging call until kpay_up was 0, at the default intervals. */
  downAfterS: number;
}

const PROVIDERS = 556;
const SCRAPES = 20;
const WATCHED = 200;
const DOWN_WITHIN_S = 75;

/**
 * Measures the exporter with 5,000 series of providers against prom-client alone with the same series and values, both
 * over HTTP in this process; then the exporter while KPay does not answer.
 */
export async function measureScrape({ rounds }: { rounds: number }): Promise<ScrapeCost> {
  const simulator = await startSimulator({ limit: 100_000 });
  for (let provider = 0; provider < PROVIDERS; provider += 1) {
    for (const operationType of ['DEPOSIT', 'PAYOUT', 'REMITTANCE']) {
      simulator.control.setAvailability({ country: 'CMR', provider: `BENCH_${provider}`, operationType, status: 'OPERATIONAL' });
    }
  }
  const account = new Kpay({
    apiKey: simulatorApiKey,
    secretKey: simulatorSecretKey,
    baseUrl: simulator.url,
  });
  const exporter = await startExporter({
    accounts: new Map([['default', account]]),
    ratePairs: new Map([['default', ['XAF:XOF']]]),
    ledger: undefined,
    web: undefined,
    logger: createLogger({ name: 'bench', level: 'fatal' }),
    host: '127.0.0.1',
    port: 0,
  });
  const scrape = async (url: string) => {
    const startedMs = performance.now();
    const text = await (await fetch(`${url}/metrics`)).text();
    return { text, ms: performance.now() - startedMs };
  };
  let bare: Awaited<ReturnType<typeof serveBare>> | undefined;
  try {
    const text = await untilShown(async () => (await scrape(exporter.url)).text);
    bare = await serveBare(text);
    const { url: bareUrl } = bare;
    const average = async (url: string) => {
      const before = process.cpuUsage();
      for (let index = 0; index < SCRAPES; index += 1) await scrape(url);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1_000 / SCRAPES;
    };
    const measured: ScrapeCost['rounds'] = [];
    // The first round warms both up.
    for (let round = 0; round <= rounds; round += 1) {
      const first = round % 2 === 0 ? await average(exporter.url) : await average(bareUrl);
      const second = round % 2 === 0 ? await average(bareUrl) : await average(exporter.url);
      if (round > 0) measured.push(round % 2 === 0 ? { ours: first, bare: second } : { ours: second, bare: first });
    }
    const p99 = async () => {
      const times: number[] = [];
      for (let index = 0; index < WATCHED; index += 1) times.push((await scrape(exporter.url)).ms);
      return times.toSorted((a, b) => a - b)[Math.floor(WATCHED * 0.99)] ?? Number.NaN;
    };
    const healthy = median([await p99(), await p99(), await p99()]);
    simulator.control.addFault({ fault: { kind: 'hang' } });
    const hungMs = performance.now();
    let downAfterS = Number.POSITIVE_INFINITY;
    while (downAfterS === Number.POSITIVE_INFINITY && performance.now() - hungMs < DOWN_WITHIN_S * 1_000) {
      if ((await scrape(exporter.url)).text.includes('kpay_up{account="default"} 0'))
        downAfterS = (performance.now() - hungMs) / 1_000;
      else await delay(500);
    }
    const hanging = median([await p99(), await p99(), await p99()]);
    const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
    return { series, rounds: measured, p99Ms: { healthy, hanging }, downAfterS };
  } finally {
    bare?.close();
    await simulator.close();
    await exporter.close();
    await account.close();
  }
}

async function untilShown(read: () => Promise<string>): Promise<string> {
  for (;;) {
    const text = await read();
    if (text.includes('BENCH_0') && text.includes('kpay_wallet_balance{') && text.includes('kpay_exchange_rate{')) return text;
    await delay(100);
  }
}

/**
 * Serves prom-client alone, with the same metrics of the process, and series with the same names, labels and values.
 */
async function serveBare(text: string): Promise<{ url: string; close(): void }> {
  const registry = createMetricsRegistry();
  for (const family of familiesOf(text)) addFamily(registry, family);
  const server = createServer(async (_request, response) => {
    const body = await registry.metrics();
    response.writeHead(200, { 'content-type': registry.contentType }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => void server.close() };
}

interface Family {
  name: string;
  type: string;
  samples: { labels: Record<string, string>; value: number }[];
}

function familiesOf(text: string): Family[] {
  const families = new Map<string, Family>();
  let current: Family | undefined;
  for (const line of text.split('\n')) {
    const declared = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (declared) {
      current = { name: declared[1] ?? '', type: declared[2] ?? '', samples: [] };
      families.set(current.name, current);
    } else if (current && line !== '' && !line.startsWith('#')) {
      const labels = Object.fromEntries([...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));
      current.samples.push({ labels, value: Number(line.slice(line.lastIndexOf(' ') + 1)) });
    }
  }
  return [...families.values()].filter(({ name }) => name.startsWith('kpay_'));
}

function addFamily(registry: Registry, { name, type, samples }: Family): void {
  const labelNames = Object.keys(samples[0]?.labels ?? {}).filter((label) => label !== 'le');
  const settings = { name, help: name, labelNames, registers: [registry] };
  if (type === 'gauge') {
    const gauge = new Gauge(settings);
    for (const { labels, value } of samples) gauge.set(labels, value);
  } else if (type === 'counter') {
    const counter = new Counter(settings);
    for (const { labels, value } of samples) counter.inc(labels, value);
  } else {
    new Histogram(settings);
  }
}
