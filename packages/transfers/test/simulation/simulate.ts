import { deceptions, readDeceptions } from './faults.ts';
import { live } from './run.ts';
import { Tally } from './tally.ts';
import type { Universe } from './world.ts';

export interface Simulated {
  seeds: number;
  steps: number;
  counts: Record<string, number>;
}

/** Makes `count` runs, one for each seed. @throws an Error that begins with the command that replays the failed run. */
export async function simulate(universe: Universe, from: number, count: number): Promise<Simulated> {
  const tally = new Tally();
  let steps = 0;
  for (let seed = from; seed < from + count; seed++) {
    const story = await live(universe, seed).catch((error: unknown) => {
      throw new Error(`replay it with: KPAY_SIM_SEED=${seed} npm test -- simulation\n${String(error)}`, { cause: error });
    });
    steps += story.steps;
    tally.add(story.counts);
  }
  return { seeds: count, steps, counts: tally.counts };
}

/** From this many seeds on, each of these must have happened. Otherwise the simulation has stopped trying something. */
export const FULL_FROM_SEEDS = 100;

export const mustHappen: readonly string[] = [
  ...deceptions,
  ...readDeceptions,
  'replays asked for at once',
  'orders of a key that was revoked meanwhile refused',
  'spells of a ledger that refuses writes',
  'writes that the ledger refused',
  'restores over a quiet hour in which people decided',
  'crash',
  'deaths in the middle of a read',
  'freeze',
  'restart',
  'takeovers',
  'wipe',
  'outages',
  'calls that KPay takes its time for',
  'reads that time out',
  'revokeTokens',
  'rotateKeys',
  'starts refused by the pin',
  'starts refused for their keys',
  'breaker openings',
  'probes of an open breaker',
  'pauses (all)',
  'pauses (account)',
  'pauses (corridor)',
  'pauses lifted',
  'holding paused',
  'holding breaker',
  'holding insufficient_funds',
  'holding rate_below_minimum',
  'holding unauthorized',
  'holding kpay_unavailable',
  'orders repeated',
  'cancels won',
  'cancels too late',
  'replays',
  'replays refused',
  'reviews resolved: happened',
  'reviews resolved: not_happened',
  'reviews resolved: send_again',
  'review collision',
  'review conflict_unprovable',
  'review not_completed',
  'review refused_after_unknown',
  'answer succeeded',
  'answer conflict',
  'answer insufficient_funds',
  'answer refused',
  'answer unauthorized',
  'answer rate_limited',
  'answer not_sent',
  'answer unknown',
  'answer unknown (lease expired)',
  'event conflict_seen',
  'event confirmed_by_conflict',
  'event sent_again',
  'stopped with an answer in its hands',
  'withdrawals',
  'holding spend_limit',
  'restores',
  'restores under running processes',
  'restores finished',
  'orders that a restore lost accepted anew',
  'transfers succeeded',
  'transfers failed',
  'transfers cancelled',
  'transfers expired',
];
