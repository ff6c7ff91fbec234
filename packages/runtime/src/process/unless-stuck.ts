const TICK_MS = 250;

/**
 * Waits for a WebAssembly module that computes on this thread. It gives up when the result is missing although the
 * thread was free for `limitMs`. Unlike endsWithin it counts ticks, not time: a long computation is one tick, because no
 * timer runs meanwhile.
 *
 * @throws the error that `stuck` makes.
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
