/** Somebody else's code took longer than it may. */
export class TookTooLong extends Error {
  override readonly name = 'TookTooLong';
}

/**
 * Runs somebody else's code for so long at most. One that goes on all the same is left behind; what it still throws is
 * nobody's.
 *
 * @throws TookTooLong, what `work` throws, and the signal's reason when that is aborted.
 */
export async function within<T>(
  timeoutMs: number,
  stopping: AbortSignal | undefined,
  work: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  stopping?.throwIfAborted();
  // Of its own, and let go of at the end: `stopping` lives as long as the process, and would keep whatever is hung on it.
  const own = new AbortController();
  const { signal } = own;
  const ended = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => ended.reject(signal.reason), { once: true });
  const stop = () => own.abort(stopping?.reason);
  stopping?.addEventListener('abort', stop, { once: true });
  const timer = setTimeout(() => own.abort(new TookTooLong(`took longer than ${timeoutMs / 1_000} s`)), timeoutMs);
  try {
    // Async, so that what throws at once still leaves a race that takes the rejection of a later stop.
    return await Promise.race([(async () => work(signal))(), ended.promise]);
  } finally {
    clearTimeout(timer);
    stopping?.removeEventListener('abort', stop);
  }
}
