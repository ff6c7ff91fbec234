import { tellProxy } from '../http/tell-proxy.ts';
import { createLogger, type Logger } from '../logging/logger.ts';
import { type AccountSettings, readSettings, type Settings, type Stores, secretsOf } from '../settings/read-settings.ts';
import { watchKeys } from '../settings/watch-keys.ts';
import { StartError } from '../start-error.ts';
import { stopTelemetry } from '../telemetry/start-telemetry.ts';
import { createShutdown, onSignals, type Shutdown } from './shutdown.ts';

/** What a production app gets to start with. */
export interface ProductionProcess {
  settings: Settings & Extract<Stores, { mode: 'production' }>;
  logger: Logger;
  /** Whatever is opened is pushed here, and released in reverse when the process stops or cannot start. */
  shutdown: Shutdown;
  /** From now on keys that change in their files are given to `take`, until the process stops (watchKeys). */
  onNewKeys(take: (account: AccountSettings) => Promise<void>): void;
}

// A send under way may take 20 s; what is still open after this is left to its lease. Container platforms kill a process
// 10 s after they asked it to stop, or later.
const RELEASE_WITHIN_MS = 6_000;
const STOP_WITHIN_MS = 8_000;

/**
 * Runs one app as a process of its own until a signal stops it. What a person can fix (a StartError) is said in one
 * line on standard error, and the exit code is 1.
 *
 * @param known errors of other packages that are as clear as a StartError.
 */
export async function runProcess(
  name: string,
  env: NodeJS.ProcessEnv,
  start: (running: ProductionProcess) => Promise<void>,
  known: readonly (abstract new (...args: never[]) => Error)[] = [],
): Promise<never> {
  const isKnown = (error: unknown): error is Error => error instanceof StartError || known.some((kind) => error instanceof kind);
  let shutdown: Shutdown | undefined;
  try {
    const settings = readSettings(env);
    if (settings.mode !== 'production') {
      throw new StartError('DATABASE_URL and REDIS_URL are not set: set both, or run everything in one process with kpay up');
    }
    if (settings.accounts.length === 0) {
      throw new StartError('no KPay key is set: set KPAY_API_KEY and KPAY_SECRET_KEY, or KPAY_ACCOUNTS_FILE');
    }
    const secrets = new Set(secretsOf(settings));
    const logger = createLogger({ name, secrets });
    tellProxy(settings.accounts, logger);
    const opened = createShutdown({ logger, deadlineMs: RELEASE_WITHIN_MS, withinMs: STOP_WITHIN_MS });
    shutdown = opened;
    const stopped = Promise.withResolvers<NodeJS.Signals>();
    shutdown.push('signals', onSignals(stopped.resolve));
    const onNewKeys: ProductionProcess['onNewKeys'] = (take) =>
      opened.push('keys', watchKeys({ env, accounts: settings.accounts, secrets, logger, take }));
    await start({ settings, logger, shutdown, onNewKeys });
    logger.info('started');
    logger.info({ signal: await stopped.promise }, 'stopping');
    await shutdown.run();
    await stopTelemetry();
    process.exit(0);
  } catch (error) {
    await shutdown?.run();
    await stopTelemetry();
    if (!isKnown(error)) throw error;
    process.stderr.write(`${name}: ${error.message}\n`);
    process.exit(1);
  }
}
