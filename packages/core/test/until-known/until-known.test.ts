import { expect, it } from 'vitest';
import { runStage } from './stage.ts';

it('doubles no transfer and tells no untruth under faults, kills and resumed calls', { timeout: 60_000 }, async () => {
  const options = { transfers: 30, drivers: 1, scale: 60, atOnce: 30, livesMs: [150, 500], kills: 2, seed: 7 } as const;
  const { ends, doubled, wrong, unfinished, moneyProblems, kills, faulty, crashes } = await runStage(options);
  expect({ doubled, wrong, unfinished, moneyProblems, kills }).toEqual({
    doubled: [],
    wrong: [],
    unfinished: 0,
    moneyProblems: [],
    kills: 2,
  });
  // Otherwise it would show nothing.
  expect(faulty).toBeGreaterThan(0.2);
  expect((ends.answer ?? 0) + (ends.conflict ?? 0)).toBeGreaterThan(15);
  expect(Object.keys(crashes).length).toBeGreaterThan(2);
});
