/**
 * Waits for work that is to end, for `limitMs` at most. Work that takes longer is left behind.
 *
 * @returns whether it ended in time.
 * @throws the error of the work when it failed in time.
 */
export async function endsWithin(limitMs: number, work: unknown): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(resolve, limitMs, false);
  try {
    return await Promise.race([Promise.resolve(work).then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
