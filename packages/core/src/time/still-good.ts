/** Two processes translate one date by their own exchanges with Redis: so far apart may they read it. */
const DATES_DIFFER_MS = 1_000;

/** Something that began at `sinceMs`, by a clock that can be set, and is good for `forMs`. */
export interface Dated {
  sinceMs: number;
  forMs: number;
}

/**
 * Whether it still is. What lies in the future is not: the clock was set back since, and nobody knows how old it is.
 * Every date that decides whether something is believed is judged here.
 */
export function isStillGood({ sinceMs, forMs }: Dated, nowMs: number): boolean {
  const ageMs = nowMs - sinceMs;
  return ageMs >= -DATES_DIFFER_MS && ageMs <= forMs;
}

/** The same in a script of Redis, for a date alone: `inFuture(sinceMs)`. */
export const LUA_IN_FUTURE = `
local function inFuture(since) return since > now + ${DATES_DIFFER_MS} end
`;
