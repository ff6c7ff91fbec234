import { AsyncLocalStorage } from 'node:async_hooks';

const running = new AsyncLocalStorage<string>();

/** Runs a plugin's code, so that what it leaves running behind itself is known as its own. */
export function asPlugin<T>(name: string, work: () => T): T {
  return running.run(name, work);
}

/**
 * Keeps the process alive when a plugin throws where nobody can catch it: in a timer, in a promise it did not await.
 * Every other such error ends the process, as it does without this.
 * Without plugins nothing is changed.
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
