import type { FaultRule } from '@kpay/simulator';
import type { TransferRow } from '../../src/index.ts';
import type { Dice } from './dice.ts';

export const RETRY_AFTER_SECONDS = 10;
/** How long a call runs on at most: less than KPAY_CONFLICT_CONFIRM_SECONDS, which is 60. */
const LONGEST_CALL_MS = 56_000;

type Fault = FaultRule['fault'];

/** How often what goes wrong, of 1. */
export interface FaultOdds {
  /** A send that KPay takes its time for. */
  late: number;
  /** Of those, by weight: one that holds its id while it runs. The others weigh 5 together. */
  running: number;
  /** Of those: nothing comes of it in the end. */
  fails: number;
  /** Of those: its caller is answered 504 long before. */
  gatewayTimeout: number;
  /** For how long those run at least. */
  leastMs: number;
  /** Of the rest: its answer is lost. */
  lost: number;
  lostAfterRefusal: number;
  /** Of the rest: it is refused. */
  refused: number;
  refusedAfterUnknown: number;
  /** Before all that: 429. */
  rateLimited: number;
  /** A read. */
  read: number;
}

export const usualOdds: FaultOdds = {
  late: 0.2,
  running: 5,
  fails: 0.6,
  gatewayTimeout: 0.5,
  leastMs: 1_000,
  lost: 0.3,
  // An answer lost after a refusal is rare, and the one case in which a later 409 lies.
  lostAfterRefusal: 0.7,
  refused: 0.22,
  // A refusal says most when something may have moved before.
  refusedAfterUnknown: 0.4,
  rateLimited: 0.03,
  read: 0.05,
};

const rateLimit: Fault = { kind: 'rate_limit', retryAfterSeconds: RETRY_AFTER_SECONDS };

/** The answer is lost at once; it happened or not. */
const lostAnswers: readonly Fault[] = [
  { kind: 'drop', when: 'before' },
  { kind: 'drop', when: 'after' },
  { kind: 'drop', when: 'after', reset: true },
  { kind: 'truncate' },
  { kind: 'status', status: 500, when: 'before' },
  { kind: 'status', status: 503, when: 'after' },
  { kind: 'html', status: 201, when: 'after' },
];
const refusals: readonly Fault[] = [
  { kind: 'status', status: 400 },
  { kind: 'status', status: 403 },
  { kind: 'unauthorized' },
  { kind: 'unauthorized' },
  { kind: 'burn_id' },
  { kind: 'burn_id' },
];
const readFaults: readonly Fault[] = [
  { kind: 'status', status: 503 },
  { kind: 'unauthorized' },
  { kind: 'drop' },
  { kind: 'truncate' },
  rateLimit,
  // Longer than a call may take: the time-out ends it, or the process dies in the middle of it.
  { kind: 'delay', delayMs: 30_000, when: 'after' },
  { kind: 'delay', delayMs: 30_000, when: 'before' },
];

/** What goes wrong with the next read of KPay, if anything. */
export function faultOfRead(dice: Dice, odds: FaultOdds): Fault | undefined {
  return dice.chance(odds.read) ? dice.pick(readFaults) : undefined;
}

/** What goes wrong with the next send of a transfer, if anything. `outage`: KPay answers nothing but 503. */
export function faultOfSend(dice: Dice, odds: FaultOdds, row: TransferRow | undefined, outage: boolean): Fault | undefined {
  if (outage) return { kind: 'status', status: 503, when: 'before' };
  if (dice.chance(odds.rateLimited)) return rateLimit;
  if (dice.chance(odds.late)) return lateAnswer(dice, odds);
  if (dice.chance(row?.refused_before ? odds.lostAfterRefusal : odds.lost)) return dice.pick(lostAnswers);
  return dice.chance(row?.possibly_sent ? odds.refusedAfterUnknown : odds.refused) ? dice.pick(refusals) : undefined;
}

/**
 * KPay takes its time: the answer comes late, or after the time-out, or the call reaches it only then. While it runs
 * it can hold the id, so that another one is answered 409 although in the end nothing may come of it. None runs on for as
 * long as two conflicts must be apart: that is what law 5 takes for granted.
 */
function lateAnswer(dice: Dice, { running, fails, gatewayTimeout, leastMs }: FaultOdds): Fault {
  switch (dice.weighted({ after: 2, before: 3, running })) {
    case 'after':
      return { kind: 'delay', when: 'after', delayMs: 1_000 + dice.below(40_000) };
    case 'before':
      return { kind: 'delay', when: 'before', delayMs: 1_000 + dice.below(120_000) };
    case 'running': {
      const outcome = dice.chance(fails) ? 'fail' : 'succeed';
      const delayMs = leastMs + dice.below(LONGEST_CALL_MS - leastMs);
      return {
        kind: 'conflict_while_running',
        outcome,
        delayMs,
        ...(dice.chance(gatewayTimeout) && { gatewayTimeoutMs: 1_000 + dice.below(Math.min(15_000, delayMs)) }),
      };
    }
  }
}
