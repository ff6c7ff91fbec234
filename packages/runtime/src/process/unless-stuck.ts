const TICK_MS = 250;

/**
 * Waits for what a WebAssembly module computes on this thread, and gives it up when it is not done although the thread
 * was free for `limitMs`. A long computation counts as one tick: the timer cannot run meanwhile.
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
