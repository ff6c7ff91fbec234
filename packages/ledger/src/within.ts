/** The work did not end within its time-out. */
export class TookTooLong extends Error {
  override readonly name = 'TookTooLong';
}

/**
 * Runs `work` for at most `timeoutMs`. Work that ignores its signal is abandoned: its result and its error are dropped.
 *
 * @param stopping aborts the work too.
 * @throws TookTooLong, the error of `work`, or the reason of `stopping`.
 */
export async function within<T>(
  timeoutMs: number,
  stopping: AbortSignal | undefined,
  work: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  stopping?.throwIfAborted();
  // `stopping` may live as long as the process. A listener that stays on it would keep the work in memory.
  const own = new AbortController();
  const { signal } = own;
  const ended = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => ended.reject(signal.reason), { once: true });
  const stop = () => own.abort(stopping?.reason);
  stopping?.addEventListener('abort', stop, { once: true });
  // Aborts one turn of the event loop later, so that an answer that arrived while this process was busy is read first.
  const giveUp = () => own.abort(new TookTooLong(`took longer than ${timeoutMs / 1_000} s`));
  const timer = setTimeout(() => setImmediate(giveUp), timeoutMs);
  try {
    // An async function, so that work that throws at once still starts the race. The race then handles a later
    // rejection.
    return await Promise.race([(async () => work(signal))(), ended.promise]);
  } finally {
    clearTimeout(timer);
    stopping?.removeEventListener('abort', stop);
  }
}
