/** Runs what it is given, so many at once at most; the rest in the order in which it came. */
export function atMost(most: number): <T>(run: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (run) => {
    if (running >= most) await new Promise<void>((go) => waiting.push(go));
    else running += 1;
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      // The place goes from one to the other, so that nobody who comes in between can take it.
      if (next) next();
      else running -= 1;
    }
  };
}
