/** Half of the delay is fixed and half is random, so that many rows put off together do not come back together. */
function jittered(delayMs: number, random: () => number): number {
  return Math.round(delayMs / 2 + (delayMs / 2) * random());
}

/** How long to wait before a re-send under the same id: 5 s, doubling to 15 minutes. */
export function resendDelayMs(tries: number, random: () => number): number {
  return jittered(Math.min(5_000 * 2 ** Math.min(tries, 20), 15 * 60_000), random);
}

/** How long to wait before a first send that could not be made: 1 s, doubling to 1 minute. */
export function retryDelayMs(tries: number, random: () => number): number {
  return jittered(Math.min(1_000 * 2 ** Math.min(tries, 20), 60_000), random);
}
