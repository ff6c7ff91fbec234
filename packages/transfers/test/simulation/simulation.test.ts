import { afterAll, beforeAll, expect, it } from 'vitest';
import { live } from './life.ts';
import { openUniverse, type Universe } from './world.ts';

// One life a seed. KPAY_SIM_SEED runs that one alone, KPAY_SIM_SEEDS so many, KPAY_SIM_FROM from that one on.
const only = process.env.KPAY_SIM_SEED;
const from = Number(only ?? process.env.KPAY_SIM_FROM ?? 1);
const count = only === undefined ? Number(process.env.KPAY_SIM_SEEDS ?? 100) : 1;

let universe: Universe;
beforeAll(async () => {
  universe = await openUniverse();
});
afterAll(() => universe.close());

it(`in ${count} simulated lives every transfer has one effect or none, and its events say which`, {
  timeout: count * 5_000 + 30_000,
}, async () => {
  const states: Record<string, number> = {};
  const startedMs = performance.now();
  let steps = 0;
  for (let seed = from; seed < from + count; seed++) {
    const story = await live(universe, seed).catch((error: unknown) => {
      throw new Error(`replay it with: KPAY_SIM_SEED=${seed} npm test -- simulation\n${String(error)}`, { cause: error });
    });
    steps += story.steps;
    for (const [state, lives] of Object.entries(story.states)) states[state] = (states[state] ?? 0) + lives;
  }
  const perSecond = (count / ((performance.now() - startedMs) / 1_000)).toFixed(1);
  process.stdout.write(`${count} seeds from ${from}, ${perSecond} a second, ${steps} steps: ${JSON.stringify(states)}\n`);
  // A simulation in which nothing is ever sent would pass too.
  if (count >= 50) expect(Object.keys(states).sort()).toEqual(['cancelled', 'expired', 'failed', 'succeeded']);
});

it('a seed tells the same life again', async () => {
  const [once, again] = [await live(universe, from), await live(universe, from)];
  expect(again.told).toEqual(once.told);
});
