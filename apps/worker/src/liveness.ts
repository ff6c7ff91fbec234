// Every loop that reports here is bounded by the timeouts of Postgres and Redis, about ten seconds each.
const STUCK_AFTER_MS = 120_000;

/** Knows what must keep running for as long as the worker runs. A frozen process that continues is alive again. */
export interface Liveness {
  /** Registers a loop. @returns a function to call on every round of the loop. */
  heartbeat(name: string): () => void;
  /** Registers a condition that must stay true. */
  expect(name: string, holds: () => boolean): void;
  /** What has stopped, a sentence each, for /healthz. */
  stuck(): readonly string[];
}

/** @param nowMs a monotonic clock. */
export function createLiveness(nowMs: () => number): Liveness {
  const beats = new Map<string, number>();
  const conditions = new Map<string, () => boolean>();
  return {
    heartbeat(name) {
      const beat = () => void beats.set(name, nowMs());
      beat();
      return beat;
    },
    expect: (name, holds) => void conditions.set(name, holds),
    stuck() {
      const late = [...beats].filter(([, atMs]) => nowMs() - atMs > STUCK_AFTER_MS);
      const broken = [...conditions].filter(([, holds]) => !holds());
      return [
        ...late.map(([name, atMs]) => `${name} has not run for ${Math.floor((nowMs() - atMs) / 1_000)} s`),
        ...broken.map(([name]) => `${name} has stopped`),
      ];
    },
  };
}
