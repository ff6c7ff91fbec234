import { expect, it } from 'vitest';
import { createLiveness } from './liveness.ts';

it('names what has ended or not come round for two minutes, and nothing else', () => {
  let nowMs = 5_000_000;
  let runs = true;
  const liveness = createLiveness(() => nowMs);
  const sweep = liveness.heartbeat('the sweep');
  const beat = liveness.heartbeat('the look');
  liveness.expect('the intake', () => runs);
  expect(liveness.stuck()).toEqual([]);
  nowMs += 119_000;
  beat();
  expect(liveness.stuck()).toEqual([]);
  nowMs += 2_000;
  expect(liveness.stuck()).toEqual(['the sweep has not run for 121 s']);
  sweep();
  expect(liveness.stuck()).toEqual([]);
  runs = false;
  expect(liveness.stuck()).toEqual(['the intake has stopped']);
});
