// Whatever comes round here is bounded by the timeouts of Postgres and Redis, which are some ten seconds each.
const STUCK_AFTER_MS = 120_000;

/** What must go on for as long as the worker runs. What stopped only in appearance, with its process, soon goes on. */
export interface Pulse {
  /** Expects beats from now on. @returns the beat: call it whenever it came round. */
  expectBeats(name: string): () => void;
  /** Expects `goesOn` to be true whenever it is asked. */
  expect(name: string, goesOn: () => boolean): void;
  /** What does not go on, for /healthz. */
  stuck(): readonly string[];
}

/** @param nowMs a monotonic clock. */
export function createPulse(nowMs: () => number): Pulse {
  const beats = new Map<string, number>();
  const conditions = new Map<string, () => boolean>();
  return {
    expectBeats(name) {
      const beat = () => void beats.set(name, nowMs());
      beat();
      return beat;
    },
    expect: (name, goesOn) => void conditions.set(name, goesOn),
    stuck() {
      const late = [...beats].filter(([, atMs]) => nowMs() - atMs > STUCK_AFTER_MS);
      const broken = [...conditions].filter(([, goesOn]) => !goesOn());
      return [
        ...late.map(([name, atMs]) => `${name} has not come round for ${Math.floor((nowMs() - atMs) / 1_000)} s`),
        ...broken.map(([name]) => `${name} has ended`),
      ];
    },
  };
}
