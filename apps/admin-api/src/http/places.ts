import type { Caller } from '../auth/caller.ts';
import { Problem } from '../problems/problem.ts';

export interface PlacesOptions {
  /** What a place is taken for, in the plural, for the caller to read: `streams`. */
  of: string;
  /** How much there is in all. */
  most: number;
  /** How much of it one caller may have: one owner, so that nobody gets more by making keys. */
  mostByCaller: number;
  retryAfterSeconds: number;
}

/** @param gone gives the places back, also when it is aborted already. @param amount one unless given. @throws Problem when there is not so much. */
export type TakePlaces = (caller: Caller, gone: AbortSignal, amount?: number) => void;

/**
 * Bounds what is under way at once, in all and by caller. It counts in the call itself: whoever comes while another is
 * waited for finds that one counted.
 */
export function createPlaces({ of, most, mostByCaller, retryAfterSeconds }: PlacesOptions): TakePlaces {
  let taken = 0;
  const byCaller = new Map<string, number>();
  const headers = { 'retry-after': String(retryAfterSeconds) };
  return ({ owner }, gone, amount = 1) => {
    const own = byCaller.get(owner) ?? 0;
    if (own + amount > mostByCaller) {
      throw new Problem(
        'too_much_at_once',
        `The owner of the key may have ${mostByCaller} ${of} at once, and has ${own} already.`,
        {
          headers,
        },
      );
    }
    if (taken + amount > most) {
      throw new Problem('too_much_at_once', `There are ${taken} ${of} already, and ${most} at most.`, { headers });
    }
    if (gone.aborted) return;
    taken += amount;
    byCaller.set(owner, own + amount);
    gone.addEventListener(
      'abort',
      () => {
        taken -= amount;
        const left = (byCaller.get(owner) ?? 0) - amount;
        if (left > 0) byCaller.set(owner, left);
        else byCaller.delete(owner);
      },
      { once: true },
    );
  };
}
