import { AsyncLocalStorage } from 'node:async_hooks';

const running = new AsyncLocalStorage<string>();

/** Runs a plugin's code so that errors of anything it leaves running are attributed to it. */
export function asPlugin<T>(name: string, work: () => T): T {
  return running.run(name, work);
}

/**
 * Keeps the process alive when a plugin throws where nothing can catch it: in a timer, or in a promise that it did not
 * await. Every other uncaught error still ends the process. Without plugins this changes nothing.
 */
export function containStrayErrors(plugins: readonly unknown[], onStray: (plugin: string, error: unknown) => void): void {
  if (plugins.length === 0) return;
  const contain = (error: unknown): void => {
    const plugin = running.getStore();
    if (plugin === undefined) throw error;
    onStray(plugin, error);
  };
  process.on('uncaughtException', contain);
  process.on('unhandledRejection', contain);
}
