import { formatAmount } from '@kpay/core/money';
import type { BadLine, GoodLine } from './judge-lines.ts';

export interface CorridorTotal {
  corridor: string;
  currency: string;
  transfers: number;
  /** In units of `currency`, as a decimal text. */
  amount: string;
}

/** What a file would do. */
export interface Preview {
  good: number;
  bad: number;
  totals: CorridorTotal[];
  /** Lines whose externalId is derived, and the first of them. */
  derived: { lines: number; first: number | undefined };
}

/** Counts and adds up, in memory that does not grow with the file. */
export function createPreview(): { add(line: GoodLine | BadLine): void; result(): Preview } {
  const sums = new Map<string, { corridor: string; currency: string; transfers: number; amountMinor: bigint }>();
  let bad = 0;
  let derived = 0;
  let first: number | undefined;
  return {
    add(line) {
      if (line.kind === 'bad') {
        bad += 1;
        return;
      }
      const { corridor, amount } = line;
      const sum = sums.get(corridor) ?? { corridor, currency: amount.currency, transfers: 0, amountMinor: 0n };
      sum.transfers += 1;
      sum.amountMinor += amount.amountMinor;
      sums.set(corridor, sum);
      if (!line.needsId) return;
      derived += 1;
      first ??= line.line;
    },
    result() {
      const all = [...sums.values()].toSorted((a, b) => (a.corridor < b.corridor ? -1 : 1));
      return {
        good: all.reduce((count, { transfers }) => count + transfers, 0),
        bad,
        totals: all.map(({ corridor, currency, transfers, amountMinor }) => ({
          corridor,
          currency,
          transfers,
          amount: formatAmount({ amountMinor, currency }),
        })),
        derived: { lines: derived, first },
      };
    },
  };
}
