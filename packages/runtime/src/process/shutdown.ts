import type { Logger } from 'pino';
import { endsWithin } from './ends-within.ts';

export interface Shutdown {
  /** Adds something to release at the end. Call it right after it has opened. */
  push(name: string, release: () => unknown): void;
  /** Releases everything once, the newest first. It never throws and ends within the bound for all together. */
  run(): Promise<void>;
}

export interface ShutdownOptions {
  logger: Logger;
  /** How long one release may take. */
  deadlineMs: number;
  /**
   * How long all releases together may take; unlimited by default. After that the rest is told to close without
   * waiting.
   */
  withinMs?: number;
}

/**
 * Makes the list of everything that was opened. A release that fails or does not end in time is logged and abandoned,
 * so that the others still run and the process can end.
 */
export function createShutdown({ logger, deadlineMs, withinMs = Number.POSITIVE_INFINITY }: ShutdownOptions): Shutdown {
  const releasers: { name: string; release: () => unknown }[] = [];
  let running: Promise<void> | undefined;

  const releaseOne = async ({ name, release }: { name: string; release: () => unknown }, leftMs: number) => {
    const waitMs = Math.max(0, Math.min(deadlineMs, leftMs));
    try {
      if (!(await endsWithin(waitMs, release())))
        logger.error({ released: name, deadlineMs: Math.round(waitMs) }, 'did not close in time');
    } catch (error) {
      logger.error({ released: name, err: error }, 'failed to close');
    }
  };
  const releaseAll = async () => {
    const endMs = performance.now() + withinMs;
    // Not a loop over a copy, so that what is pushed meanwhile is released too.
    for (let next = releasers.pop(); next; next = releasers.pop()) await releaseOne(next, endMs - performance.now());
  };
  return {
    push: (name, release) => void releasers.push({ name, release }),
    run: () => (running ??= releaseAll()),
  };
}

/**
 * Calls `stop` at the first SIGINT or SIGTERM. At a second one the process ends at once, with the exit code that shells
 * expect for the signal.
 *
 * @returns a function that stops listening.
 */
export function onSignals(stop: (signal: NodeJS.Signals) => void): () => void {
  const codes = { SIGINT: 130, SIGTERM: 143 };
  let signalled = false;
  const listener = (signal: NodeJS.Signals) => {
    if (signalled) process.exit(codes[signal as keyof typeof codes]);
    signalled = true;
    stop(signal);
  };
  const signals = Object.keys(codes) as NodeJS.Signals[];
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}
