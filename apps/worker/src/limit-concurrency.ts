/** Limits how many of the given functions run at once. Further ones wait, first come first served. */
export function limitConcurrency(limit: number): <T>(run: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (run) => {
    if (running >= limit) await new Promise<void>((go) => waiting.push(go));
    else running += 1;
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      // The slot is handed over directly, so that a newcomer cannot take it in between.
      if (next) next();
      else running -= 1;
    }
  };
}
