import {
  type AccountSettings,
  createMetricsRegistry,
  type Logger,
  readWebConfig,
  type Settings,
  type Shutdown,
  type WebConfig,
  watchKeys,
} from '@kpay/runtime';
import type { Plugin } from '@kpay/transfers/plugin';
import { containStrayErrors, loadPlugins } from '@kpay/transfers/worker';
import type { Registry } from 'prom-client';
import { warnAboutProxy } from './warn-about-proxy.ts';

/** A process before it opens its stores. */
export interface App<OfSettings extends Settings = Settings> {
  settings: OfSettings;
  logger: Logger;
  /**
   * Everything that is opened is pushed here. It is released in reverse order when the process stops or cannot start.
   */
  shutdown: Shutdown;
  /** Who may see the metrics, and the TLS settings. Undefined: everybody, over http. */
  web: WebConfig | undefined;
  /** The plugins of KPAY_PLUGINS. */
  plugins: readonly Plugin[];
  /** Where the process keeps its metrics. */
  registry: Registry;
  /** Passes keys that change in their files to `take`, until the process stops (watchKeys). */
  onNewKeys(take: (account: AccountSettings) => Promise<void>): void;
}

export interface AppOptions<OfSettings extends Settings> {
  env: NodeJS.ProcessEnv;
  settings: OfSettings;
  /** The secrets that the logger hides; new keys are added. */
  secrets: Set<string>;
  logger: Logger;
  shutdown: Shutdown;
}

/**
 * Reads the web settings and loads the plugins of a process.
 *
 * @throws StartError, InvalidSettingsError; one line that names what to change.
 */
export async function openApp<OfSettings extends Settings>(options: AppOptions<OfSettings>): Promise<App<OfSettings>> {
  const { env, settings, secrets, logger, shutdown } = options;
  const { accounts, webConfigFile } = settings;
  warnAboutProxy(env, accounts, logger);
  const web = webConfigFile === undefined ? undefined : readWebConfig(webConfigFile);
  const plugins = await loadPlugins(settings.plugins);
  containStrayErrors(plugins, (plugin, error) => logger.error({ err: error, plugin }, 'unhandled error in a plugin'));
  return {
    settings,
    logger,
    shutdown,
    web,
    plugins,
    registry: createMetricsRegistry(),
    onNewKeys: (take) => shutdown.push('keys', watchKeys({ env, accounts, secrets, logger, take })),
  };
}
