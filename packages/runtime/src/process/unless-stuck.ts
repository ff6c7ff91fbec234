const TICK_MS = 250;

/**
 * Waits for a computation of a WebAssembly module on this thread, and gives it up when it has not ended although the thread
 * was free for `limitMs`. It counts ticks, not time, unlike endsWithin: a long computation is one tick, because no timer runs
 * meanwhile.
 *
 * @throws what `stuck` makes.
 */
export async function unlessStuck<T>(promise: Promise<T>, limitMs: number, stuck: () => Error): Promise<T> {
  let ticks = 0;
  const given = Promise.withResolvers<never>();
  const timer = setInterval(() => {
    ticks += 1;
    if (ticks * TICK_MS >= limitMs) given.reject(stuck());
  }, TICK_MS);
  try {
    return await Promise.race([promise, given.promise]);
  } finally {
    clearInterval(timer);
  }
}
