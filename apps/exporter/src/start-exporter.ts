import type { Keys, KpayAccount, ObservationName } from '@kpay/core';
import { createMetricsRegistry, healthRoutes, type Logger, serveMetrics, startHttp, type WebConfig } from '@kpay/runtime';
import type { Ledger } from '@kpay/transfers';
import type { Plugin } from '@kpay/transfers/plugin';
import { Counter, Gauge, type Registry } from 'prom-client';
import { builtInCollectors } from './built-in-collectors.ts';
import { collectPlugins } from './collect-plugins.ts';
import { type ApplicationKeeper, keepApplication } from './keep-application.ts';
import { type AccountWatch, watchAccount } from './watch-account.ts';

export interface ExporterOptions {
  accounts: ReadonlyMap<string, KpayAccount>;
  /** The watched rates by account, as in KPAY_RATE_PAIRS: "XAF:XOF". An account that is missing has none. */
  ratePairs: ReadonlyMap<string, readonly string[]>;
  /** The source for outflow, needed rates and the account's application. Without it none of these are known. */
  ledger: Ledger | undefined;
  logger: Logger;
  /** Who may scrape, and the TLS settings; undefined: everybody, over http. */
  web: WebConfig | undefined;
  host: string;
  /** EXPORTER_PORT; 0 takes any free one. */
  port: number;
  /** The registry for the metrics, for callers that add their own, such as createCallWatchers. */
  registry?: Registry;
  /** The plugins of KPAY_PLUGINS. */
  plugins?: readonly Plugin[];
  /** The intervals of the reads; by default 30 s for the balance, 60 s for availability, 10 min for rates. */
  everyMs?: Partial<Record<ObservationName, number>>;
  /** How long a series is shown without a new read; 2.5 times the interval by default. */
  seriesMaxAgeMs?: Partial<Record<ObservationName, number>>;
}

export interface RunningExporter {
  url: string;
  /**
   * Switches to an account's new keys when they belong to the same application. @throws as
   * ApplicationKeeper.changeKeys.
   */
  changeKeys(account: string, keys: Keys): Promise<void>;
  close(): Promise<void>;
}

/** An account whose figures are read once its keys are confirmed. */
interface Watched {
  keeper: ApplicationKeeper;
  watch: AccountWatch;
  stop(): Promise<void>;
}

// KPay caches availability for a minute and rates for an hour. More reads would show nothing new.
const EVERY_MS: Readonly<Record<ObservationName, number>> = { balance: 30_000, availability: 60_000, rate: 600_000 };
// One failed read and a slow next one leave no gap in the series. Two failed reads do.
const SERIES_OUTLIVE = 2.5;

/**
 * Serves /metrics, /healthz and /readyz. KPay is read in the background, in the lane `metrics`. A scrape shows the
 * known values; it neither calls KPay nor waits for it. So any number of Prometheus servers cost KPay nothing.
 *
 * @throws StartError when it cannot listen.
 */
export async function startExporter(options: ExporterOptions): Promise<RunningExporter> {
  const { accounts, ratePairs, ledger, logger, host, port, web, registry = createMetricsRegistry() } = options;
  const everyMs = { ...EVERY_MS, ...options.everyMs };
  const seriesMaxAgeMs = {
    balance: everyMs.balance * SERIES_OUTLIVE,
    availability: everyMs.availability * SERIES_OUTLIVE,
    rate: everyMs.rate * SERIES_OUTLIVE,
    ...options.seriesMaxAgeMs,
  };
  const failures = countFailures(registry, accounts.keys());
  const leftOut = countLeftOut(registry, accounts.keys());
  const watches = [...accounts.values()].map((account): Watched => {
    let stop: (() => Promise<void>) | undefined;
    const onChange = (isOurs: boolean) => {
      if (isOurs) stop = watch.start();
      else void stop?.();
      if (!isOurs) watch.forget();
    };
    const keeper = keepApplication({ account, ledger, logger, onChange });
    const watch = watchAccount({
      account,
      ratePairs: ratePairs.get(account.name) ?? [],
      ledger,
      everyMs,
      seriesMaxAgeMs,
      isOurs: keeper.isOurs,
      onLeftOut: (field) => leftOut.inc({ account: account.name, field }),
      onFailure: (observation) => failures.inc({ account: account.name, observation }),
      logger,
    });
    return { keeper, watch, stop: async () => stop?.() };
  });
  const keepers = new Map(watches.map(({ keeper, watch }) => [watch.view.name, keeper]));
  showMismatches(registry, keepers);
  const collected = await collectPlugins({
    plugins: [builtInCollectors, ...(options.plugins ?? [])],
    accounts: watches.map(({ watch }) => watch.view),
    registry,
    logger,
  });
  const routes = {
    // A scrape depends on nothing outside the process, so the exporter is ready as soon as it listens.
    ...healthRoutes(() => []),
    '/metrics': serveMetrics({ registry, web, more: collected.text }),
  };
  const server = await startHttp({ host, port, portSetting: 'EXPORTER_PORT', routes, logger, tls: web?.tls });
  const stopKeepers = watches.map(({ keeper }) => keeper.start());
  return {
    url: server.url,
    changeKeys: async (account, keys) => keepers.get(account)?.changeKeys(keys),
    async close() {
      await Promise.all(stopKeepers.map((stop) => stop()));
      await Promise.all(watches.map(({ stop }) => stop()));
      await server.close();
    },
  };
}

function showMismatches(registry: Registry, keepers: ReadonlyMap<string, ApplicationKeeper>): void {
  new Gauge({
    name: 'kpay_account_mismatch',
    help: '1 while KPay says that the keys of an account belong to another application or environment: its figures are not shown.',
    labelNames: ['account'],
    registers: [registry],
    collect() {
      for (const [account, keeper] of keepers) this.set({ account }, keeper.isOther() ? 1 : 0);
    },
  });
}

function countLeftOut(registry: Registry, accounts: Iterable<string>): Counter<'account' | 'field'> {
  const leftOut = new Counter({
    name: 'kpay_names_left_out_total',
    help: 'Operators and currencies in the answers of KPay that are not shown: an account had too many that are not documented.',
    labelNames: ['account', 'field'],
    registers: [registry],
  });
  for (const account of accounts) for (const field of ['provider', 'currency']) leftOut.inc({ account, field }, 0);
  return leftOut;
}

function countFailures(registry: Registry, accounts: Iterable<string>): Counter<'account' | 'observation'> {
  const failures = new Counter({
    name: 'kpay_observation_failures_total',
    help: 'Reads of KPay for the exporter that failed.',
    labelNames: ['account', 'observation'],
    registers: [registry],
  });
  // Starts at 0 before the first failure, so that the first failure is seen as an increase.
  for (const account of accounts) {
    for (const observation of Object.keys(EVERY_MS)) failures.inc({ account, observation }, 0);
  }
  return failures;
}
