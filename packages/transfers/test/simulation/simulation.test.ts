import { afterAll, beforeAll, expect, it } from 'vitest';
import { live } from './run.ts';
import { FULL_FROM_SEEDS, mustHappen, simulate } from './simulate.ts';
import { Tally } from './tally.ts';
import { openUniverse, type Universe } from './world.ts';

// One run for each seed. KPAY_SIM_SEED makes only that run, KPAY_SIM_SEEDS sets the number of runs, KPAY_SIM_FROM the
// first seed.
const only = process.env.KPAY_SIM_SEED;
const from = Number(only ?? process.env.KPAY_SIM_FROM ?? 1);
const count = only === undefined ? Number(process.env.KPAY_SIM_SEEDS ?? 30) : 1;

let universe: Universe;
beforeAll(async () => {
  universe = await openUniverse();
});
afterAll(() => universe.close());

it(`in ${count} simulated runs every transfer has one effect or none, and its events say which`, {
  timeout: count * 5_000 + 30_000,
}, async () => {
  const startedMs = performance.now();
  const { steps, counts } = await simulate(universe, from, count);
  const tally = new Tally();
  tally.add(counts);
  const perSecond = (count / ((performance.now() - startedMs) / 1_000)).toFixed(1);
  process.stdout.write(`${count} seeds from ${from}, ${perSecond} a second, ${steps} steps: ${tally}\n`);
  // Otherwise a simulation in which nothing ever goes wrong would pass.
  if (count >= FULL_FROM_SEEDS) expect(tally.missing(mustHappen)).toEqual([]);
});

it('a seed tells the same run again', async () => {
  for (const seed of [from, from + 1, from + 2]) {
    const [once, again] = [await live(universe, seed), await live(universe, seed)];
    expect(again.story).toEqual(once.story);
  }
});
