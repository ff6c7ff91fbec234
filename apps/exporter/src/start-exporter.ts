import type { KpayAccount, ObservationName } from '@kpay/core';
import { createMetricsRegistry, type HttpHandler, healthRoutes, type Logger, startHttp } from '@kpay/runtime';
import type { Plugin } from '@kpay/transfers';
import { Counter, type Registry } from 'prom-client';
import { type AccountView, parseRatePair } from './account-view.ts';
import { collectAvailability } from './collect-availability.ts';
import { collectBalances } from './collect-balances.ts';
import { collectBudget } from './collect-budget.ts';
import { collectFreshness } from './collect-freshness.ts';
import { collectPlugins, type PluginMetrics } from './collect-plugins.ts';
import { collectRates } from './collect-rates.ts';
import { type AccountObserver, observeAccount } from './observe-account.ts';
import { countUnknownValues } from './unknown-values.ts';

export interface ExporterOptions {
  accounts: ReadonlyMap<string, KpayAccount>;
  /** The rates that are watched, by account, as in KPAY_RATE_PAIRS: "XAF:XOF". None for an account that is not in it. */
  ratePairs: ReadonlyMap<string, readonly string[]>;
  logger: Logger;
  host: string;
  /** EXPORTER_PORT; 0 takes any free one. */
  port: number;
  /** Where the metrics are kept, for those who add their own, such as createCallWatchers. */
  registry?: Registry;
  /** What KPAY_PLUGINS names, loaded. */
  plugins?: readonly Plugin[];
  /** The pace of the reads: balance 30 s, availability 60 s, rates 10 min unless given. */
  everyMs?: Partial<Record<ObservationName, number>>;
  /** After how long series vanish; 2.5 times the pace unless given. */
  seriesMaxAgeMs?: Partial<Record<ObservationName, number>>;
}

export interface RunningExporter {
  url: string;
  close(): Promise<void>;
}

// KPay caches availability for a minute and rates for an hour: asking more often would show nothing new.
const EVERY_MS: Readonly<Record<ObservationName, number>> = { balance: 30_000, availability: 60_000, rate: 600_000 };
// One read that fails, and the next that takes its time, leave no gap in the series. Two that fail do.
const SERIES_OUTLIVE = 2.5;

/**
 * Serves /metrics, /healthz and /readyz. KPay is read in the background, in the lane `metrics`; a scrape shows what
 * is known and neither calls KPay nor waits for it, so any number of Prometheus servers cost KPay nothing.
 *
 * @throws StartError when it cannot listen.
 */
export async function startExporter(options: ExporterOptions): Promise<RunningExporter> {
  const { accounts, ratePairs, logger, host, port, registry = createMetricsRegistry() } = options;
  const everyMs = { ...EVERY_MS, ...options.everyMs };
  const seriesMaxAgeMs = {
    balance: everyMs.balance * SERIES_OUTLIVE,
    availability: everyMs.availability * SERIES_OUTLIVE,
    rate: everyMs.rate * SERIES_OUTLIVE,
    ...options.seriesMaxAgeMs,
  };
  const views: AccountView[] = [...accounts.values()].map((account) => ({
    account,
    ratePairs: (ratePairs.get(account.name) ?? []).map(parseRatePair),
    seriesMaxAgeMs,
  }));
  const observers = new Map<string, AccountObserver>();

  collectAvailability(registry, views);
  collectBalances(registry, views);
  collectRates(registry, views);
  collectBudget(registry, views);
  collectFreshness(registry, views, (account) => observers.get(account)?.lastReadsFailed() ?? true);
  const unknownValues = countUnknownValues(registry);
  const failures = countFailures(registry);
  const fromPlugins = await collectPlugins({ plugins: options.plugins ?? [], accounts: accounts.values(), registry, logger });

  const routes = {
    // A scrape depends on nothing outside the process, so it is ready as soon as it listens.
    ...healthRoutes(() => []),
    '/metrics': serveMetrics(registry, fromPlugins),
  };
  const server = await startHttp({ host, port, portSetting: 'EXPORTER_PORT', routes, logger });

  const stopping = new AbortController();
  for (const view of views) {
    const account = view.account.name;
    const onFailure = (observation: ObservationName) => failures.inc({ account, observation });
    observers.set(account, observeAccount({ view, everyMs, unknownValues, onFailure, logger, signal: stopping.signal }));
  }
  return {
    url: server.url,
    async close() {
      stopping.abort();
      await Promise.all([...observers.values()].map(({ stopped }) => stopped));
      await server.close();
    },
  };
}

function countFailures(registry: Registry): Counter<'account' | 'observation'> {
  return new Counter({
    name: 'kpay_observation_failures_total',
    help: 'Reads of KPay for the exporter that failed.',
    labelNames: ['account', 'observation'],
    registers: [registry],
  });
}

function serveMetrics(registry: Registry, fromPlugins: PluginMetrics): HttpHandler {
  return async (_request, response) => {
    const own = await registry.metrics();
    const text = own + (await fromPlugins.text());
    response.writeHead(200, { 'content-type': registry.contentType }).end(text);
  };
}
