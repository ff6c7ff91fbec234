import { setTimeout as delay } from 'node:timers/promises';

/**
 * Runs `task` repeatedly with a pause in between, until stopped. A failed run is reported and does not end the loop.
 *
 * @param onRound called after each run, however it ended.
 */
export function repeat(
  task: (signal: AbortSignal) => Promise<void>,
  everyMs: number,
  onError: (error: unknown) => void,
  onRound: () => void = () => {},
): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const running = (async () => {
    while (!signal.aborted) {
      try {
        await task(signal);
      } catch (error) {
        if (!signal.aborted) onError(error);
      }
      onRound();
      await delay(everyMs, undefined, { signal }).catch(() => undefined);
    }
  })();
  return () => {
    stopping.abort();
    return running;
  };
}
