import type { FaultRule } from '@kpay/simulator';
import type { TransferRow } from '../../src/index.ts';
import type { Dice } from './dice.ts';

export const RETRY_AFTER_SECONDS = 2;

type Fault = FaultRule['fault'];

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
  { kind: 'rate_limit', retryAfterSeconds: RETRY_AFTER_SECONDS },
  { kind: 'burn_id' },
  { kind: 'burn_id' },
];
const readFaults: readonly Fault[] = [
  { kind: 'status', status: 503 },
  { kind: 'unauthorized' },
  { kind: 'drop' },
  { kind: 'truncate' },
  // Longer than a call may take: the time-out ends it, or the process dies in the middle of it.
  { kind: 'delay', delayMs: 30_000, when: 'after' },
  { kind: 'delay', delayMs: 30_000, when: 'before' },
];

/** What goes wrong with the next read of KPay, if anything. */
export function faultOfRead(dice: Dice): Fault | undefined {
  return dice.chance(0.05) ? dice.pick(readFaults) : undefined;
}

/** What goes wrong with the next send of a transfer, if anything. `outage`: KPay answers nothing but 503. */
export function faultOfSend(dice: Dice, row: TransferRow | undefined, outage: boolean): Fault | undefined {
  if (outage) return { kind: 'status', status: 503, when: 'before' };
  if (dice.chance(0.2)) return lateAnswer(dice);
  // An answer lost after a refusal is rare, and the one case in which a later 409 lies.
  if (dice.chance(row?.refused_before ? 0.7 : 0.3)) return dice.pick(lostAnswers);
  // A refusal says most when something may have moved before.
  return dice.chance(row?.possibly_sent ? 0.4 : 0.22) ? dice.pick(refusals) : undefined;
}

/**
 * KPay takes its time: the answer comes late, or after the time-out, or the call reaches it only then. While it runs
 * it can hold the id, so that another one is answered 409 although in the end nothing may come of it. A call that runs
 * for a minute or longer and then fails could not be told from a success (law 5), so none does.
 */
function lateAnswer(dice: Dice): Fault {
  switch (dice.weighted({ after: 2, before: 3, running: 5 })) {
    case 'after':
      return { kind: 'delay', when: 'after', delayMs: 1_000 + dice.below(40_000) };
    case 'before':
      return { kind: 'delay', when: 'before', delayMs: 1_000 + dice.below(120_000) };
    case 'running': {
      const outcome = dice.chance(0.6) ? 'fail' : 'succeed';
      const delayMs = 1_000 + dice.below(outcome === 'fail' ? 55_000 : 120_000);
      return {
        kind: 'conflict_while_running',
        outcome,
        delayMs,
        ...(dice.chance(0.5) && { gatewayTimeoutMs: 1_000 + dice.below(15_000) }),
      };
    }
  }
}
