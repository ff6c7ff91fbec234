import { seededRandom } from '@kpay/testkit';

/** All random choices of one simulated run, from one seed. */
export interface Rng {
  random: () => number;
  /** True with this probability, from 0 to 1. */
  chance(probability: number): boolean;
  /** A whole number from 0, below `end`. */
  below(end: number): number;
  pick<T>(items: readonly T[]): T | undefined;
  /** One of the names, by their weights. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name;
}

export function createRng(seed: number): Rng {
  const random = seededRandom(seed);
  const below = (end: number) => Math.floor(random() * end);
  return {
    random,
    below,
    chance: (probability) => random() < probability,
    pick: (items) => items[below(items.length)],
    weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
      const entries = Object.entries<number>(weights);
      let left = random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [name, weight] of entries) {
        left -= weight;
        if (left < 0) return name as Name;
      }
      throw new Error('there is nothing to choose from');
    },
  };
}
