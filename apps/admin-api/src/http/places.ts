import type { Caller } from '../auth/caller.ts';
import { Problem } from '../problems/problem.ts';

export interface PlacesOptions {
  /** The name of what is limited, in the plural, for error messages: `streams`. */
  of: string;
  /** The limit of all callers together. */
  most: number;
  /** The limit of one owner. Keys of one owner share it, so more keys do not give more places. */
  mostByCaller: number;
  retryAfterSeconds: number;
}

/**
 * Takes places, and gives them back when `gone` is aborted.
 *
 * @param gone may be aborted already; then no place is taken.
 * @param amount the number of places, 1 by default.
 * @throws Problem when fewer places are free.
 */
export type TakePlaces = (caller: Caller, gone: AbortSignal, amount?: number) => void;

/**
 * Limits what is under way at once, for all callers together and for each owner. Places are counted synchronously, so
 * two calls at the same time cannot both take the last one.
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
