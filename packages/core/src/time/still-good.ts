/** How far apart two processes may read the same date, because each measures Redis' clock by its own calls. */
const DATES_DIFFER_MS = 1_000;

/** A value that is valid for `forMs` from `sinceMs` on, by a clock that can be set. */
export interface Dated {
  /** When it began to be valid, in milliseconds since 1970. */
  sinceMs: number;
  /** For how many milliseconds it is valid. */
  forMs: number;
}

/**
 * Whether the value is still valid. A date in the future is not: the clock was set back, so the age is unknown.
 * Every date that decides whether a value is trusted is checked here.
 */
export function isStillGood({ sinceMs, forMs }: Dated, nowMs: number): boolean {
  const ageMs = nowMs - sinceMs;
  return ageMs >= -DATES_DIFFER_MS && ageMs <= forMs;
}

/** The check for a future date as a function of a Redis script: `inFuture(sinceMs)`. */
export const LUA_IN_FUTURE = `
local function inFuture(since) return since > now + ${DATES_DIFFER_MS} end
`;
