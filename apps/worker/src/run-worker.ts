import { openProductionStores, openSystem, runApp, type System } from '@kpay/system';
import { type RunningWorker, startWorker } from './start-worker.ts';

/** Runs the worker as a separate process until a signal stops it. */
export function runWorker(env: NodeJS.ProcessEnv): Promise<never> {
  return runApp('worker', env, async (app) => {
    const { accounts, workerAccounts } = app.settings;
    const served = accounts.filter(({ name }) => workerAccounts?.includes(name) ?? true);
    await openWorker(await openSystem(app, await openProductionStores(app), served));
  });
}

/** Starts the worker of a system. The system's shutdown closes it. @throws as startWorker. */
export async function openWorker(system: System): Promise<RunningWorker> {
  const { settings, shutdown, accounts } = system;
  const worker = await startWorker({
    ...system,
    allAccounts: [...new Set([...settings.accounts.map(({ name }) => name), ...accounts.keys()])],
    host: settings.host,
    port: settings.ports.worker,
    concurrency: settings.workerConcurrency,
    conflictConfirmMs: settings.conflictConfirmMs,
    observeEveryMs: settings.observeEveryMs,
  });
  shutdown.push('worker', () => worker.close());
  return worker;
}
