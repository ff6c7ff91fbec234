import { InvalidSettingsError } from '@kpay/core';
import { LedgerBehind, LedgerUnusable } from '@kpay/ledger';
import {
  createLogger,
  createShutdown,
  onSignals,
  readSettings,
  type Settings,
  type Shutdown,
  StartError,
  type Stores,
  secretsOf,
  stopTelemetry,
} from '@kpay/runtime';
import { type App, openApp } from './open-app.ts';

/** The settings of a process on Postgres and Redis. */
export type ProductionSettings = Settings & Extract<Stores, { mode: 'production' }>;

// A send under way may take 20 s. What is still open after this time is left to its lease. Container platforms kill a
// process 10 s or more after they asked it to stop.
const RELEASE_WITHIN_MS = 6_000;
const STOP_WITHIN_MS = 8_000;

/** Errors of one line that tell a person what to fix. */
const CLEAR = [StartError, InvalidSettingsError, LedgerBehind, LedgerUnusable];

/**
 * Runs one app as a separate process until a signal stops it. An error that a person can fix is printed as one line on
 * standard error, and the exit code is 1.
 */
export async function runApp(
  name: string,
  env: NodeJS.ProcessEnv,
  start: (app: App<ProductionSettings>) => Promise<unknown>,
): Promise<never> {
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
    shutdown = createShutdown({ logger, deadlineMs: RELEASE_WITHIN_MS, withinMs: STOP_WITHIN_MS });
    const stopped = Promise.withResolvers<NodeJS.Signals>();
    shutdown.push('signals', onSignals(stopped.resolve));
    await start(await openApp({ env, settings, secrets, logger, shutdown }));
    logger.info('started');
    logger.info({ signal: await stopped.promise }, 'stopping');
    await shutdown.run();
    await stopTelemetry();
    process.exit(0);
  } catch (error) {
    await shutdown?.run();
    await stopTelemetry();
    if (!(error instanceof Error) || !CLEAR.some((kind) => error instanceof kind)) throw error;
    process.stderr.write(`${name}: ${error.message}\n`);
    process.exit(1);
  }
}
