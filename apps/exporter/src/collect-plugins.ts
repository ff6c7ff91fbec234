import { within } from '@kpay/ledger';
import { type Logger, type MetricsFormat, renderMetrics } from '@kpay/runtime';
import type { CollectorAccount, Plugin } from '@kpay/transfers/plugin';
import { asPlugin } from '@kpay/transfers/worker';
import { Counter, Registry } from 'prom-client';

const REGISTER_WITHIN_MS = 5_000;
// Well below the ten seconds that Prometheus waits for a scrape.
const SCRAPE_WITHIN_MS = 2_000;

export interface PluginMetrics {
  /** The plugins' present metrics as text to append to the exporter's own. It never fails. */
  text(format: MetricsFormat): Promise<string>;
}

/**
 * Lets the collectors of plugins register metrics, each plugin in its own registry. A plugin that throws, hangs or
 * takes a name in use loses only its own metrics.
 */
export async function collectPlugins(options: {
  /** When two plugins want the same metric name, the first one gets it. */
  plugins: readonly Plugin[];
  accounts: readonly CollectorAccount[];
  registry: Registry;
  logger: Logger;
}): Promise<PluginMetrics> {
  const { registry, logger, accounts } = options;
  const collecting = options.plugins.filter(({ collectors = [] }) => collectors.length > 0);
  const failures = countFailures(registry, collecting);
  const fail = (plugin: string, err: unknown, what: string) => {
    failures.inc({ plugin });
    logger.error({ err, plugin }, what);
  };
  const registries = new Map<string, Registry>();
  for (const { name, collectors = [] } of collecting) {
    const own = new Registry();
    registries.set(name, own);
    for (const collector of collectors) {
      const register = () => asPlugin(name, () => collector.register({ registry: own, accounts }));
      await within(REGISTER_WITHIN_MS, undefined, register).catch((error: unknown) =>
        fail(name, error, `collector ${collector.name} cannot register its metrics`),
      );
    }
  }
  return {
    async text(format) {
      const taken = namesIn(registry);
      const scraped = [...registries].map(async ([name, own]) => {
        for (const metric of namesIn(own)) {
          if (!taken.has(metric)) taken.add(metric);
          else {
            own.removeSingleMetric(metric);
            fail(name, undefined, `the metric ${metric} exists already, so this one is left out`);
          }
        }
        const read = () => asPlugin(name, () => renderMetrics(own, format));
        return within(SCRAPE_WITHIN_MS, undefined, read).catch((error: unknown) => {
          fail(name, error, 'the metrics of a plugin are left out of this scrape');
          return '';
        });
      });
      return (await Promise.all(scraped)).join('');
    },
  };
}

function countFailures(registry: Registry, plugins: readonly Plugin[]): Counter<'plugin'> {
  const failures = new Counter({
    name: 'kpay_plugin_failures_total',
    help: 'How often a plugin failed to register or to show its metrics.',
    labelNames: ['plugin'],
    registers: [registry],
  });
  for (const { name } of plugins) failures.inc({ plugin: name }, 0);
  return failures;
}

function namesIn(registry: Registry): Set<string> {
  return new Set(registry.getMetricsAsArray().map(({ name }) => name));
}
