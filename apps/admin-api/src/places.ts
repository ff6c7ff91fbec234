import type { Caller } from './operation.ts';
import { Problem } from './problem.ts';

export interface PlacesOptions {
  /** What a place is taken for, in the plural, for the caller to read: `streams`. */
  of: string;
  /** How much there is in all. */
  most: number;
  /** How much of it one caller may have. */
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
  return ({ id }, gone, amount = 1) => {
    const own = byCaller.get(id) ?? 0;
    if (own + amount > mostByCaller) {
      throw new Problem('too_much_at_once', `The key may have ${mostByCaller} ${of} at once, and has ${own} already.`, {
        headers,
      });
    }
    if (taken + amount > most) {
      throw new Problem('too_much_at_once', `There are ${taken} ${of} already, and ${most} at most.`, { headers });
    }
    if (gone.aborted) return;
    taken += amount;
    byCaller.set(id, own + amount);
    gone.addEventListener(
      'abort',
      () => {
        taken -= amount;
        const left = (byCaller.get(id) ?? 0) - amount;
        if (left > 0) byCaller.set(id, left);
        else byCaller.delete(id);
      },
      { once: true },
    );
  };
}
