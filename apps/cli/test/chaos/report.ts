import { isFinal } from '@kpay/transfers';
import type { Customers } from './customers.ts';
import type { DisturbanceName } from './disturbances.ts';
import type { Freeze } from './freeze-in-send.ts';
import type { Evaluation, Truth } from './laws.ts';
import type { LedgerContent } from './read-ledger.ts';

interface Run {
  seed: number;
  ledger: LedgerContent;
  truth: Truth;
  customers: Customers;
  plan: readonly DisturbanceName[];
  freezes: readonly Freeze[];
  faults: number;
  verdict: Evaluation;
  waitsEnded: number;
}

/** The numbers of a run. */
export function report({ seed, ledger, truth, customers, plan, freezes, faults, verdict, waitsEnded }: Run): string {
  const attempts = [...ledger.attempts.values()].flat();
  const sends = truth.requests.filter(({ endpoint }) => endpoint === 'transfer').length;
  const sum = (field: keyof Freeze) => freezes.reduce((total, freeze) => total + freeze[field], 0);
  const lags = attempts
    .filter(({ detail }) => detail === 'lease_expired')
    .map(({ ended_at: ended, lease_until: lease }) => Number(ended) - lease.getTime());
  const count = (what: (row: LedgerContent['transfers'][number]) => boolean) => ledger.transfers.filter(what).length;
  return [
    '',
    `seed ${seed}: ${verdict.lost.length} lost, ${verdict.doubled.length} doubled, ${verdict.unexplained.length} unexplained, ${verdict.other.length} other`,
    `${customers.orders.size} orders, ${customers.count.askedAgain} times asked again, ${ledger.transfers.length} in the ledger, ` +
      `${customers.refused.size} refused (expired before they were heard), ${customers.cancellations.size} cancellations answered`,
    `${truth.transferCount} effects of ${sends} sends in ${attempts.length} attempts; ${faults} faults`,
    `${count((row) => row.attempts > 1)} transfers sent again, ${count((row) => row.confirmed_by === 'conflict')} confirmed by conflict, ` +
      `${count((row) => !isFinal(row.state))} not final`,
    `disturbances: ${tally(plan)}`,
    `${freezes.length} freezes past the lease: ${sum('underWay')} attempts under way, ${sum('takenOver')} taken over by others; ` +
      `${sum('beforeRequest')} frozen between commit and request, of which ${sum('leaseTooShort')} met the check of the lease ` +
      `(to the others their ledger's connection was lost)`,
    `${lags.length} leases ran out, found at most ${(Math.max(0, ...lags) / 1_000).toFixed(1)} s later; ` +
      `${waitsEnded} waits ended by the test after the last fault`,
    `attempts: ${tally(attempts.map(({ outcome, status, detail }) => `${outcome} ${outcome === 'unknown' ? (status ?? detail) : ''}`.trim()))}`,
    `states: ${tally(ledger.transfers.map((row) => [row.state, row.reason_code].filter((each) => each !== null).join(' ')))}`,
    '',
  ].join('\n');
}

function tally(words: readonly string[]): string {
  const counts = Map.groupBy(words, (word) => word);
  return [...counts]
    .map(([word, all]) => `${word} ${all.length}`)
    .sort()
    .join(', ');
}

export function inSeconds(since: number): string {
  return `${Math.round((performance.now() - since) / 1_000)} s`;
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
