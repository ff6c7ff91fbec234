import { expect, it } from 'vitest';
import { createPulse } from './pulse.ts';

it('names what has not come round for two minutes, and what has ended, and nothing else', () => {
  let nowMs = 5_000_000;
  let runs = true;
  const pulse = createPulse(() => nowMs);
  const sweep = pulse.expectBeats('the sweep');
  const look = pulse.expectBeats('the look');
  pulse.expect('the door', () => runs);
  expect(pulse.stuck()).toEqual([]);
  nowMs += 119_000;
  look();
  expect(pulse.stuck()).toEqual([]);
  nowMs += 2_000;
  expect(pulse.stuck()).toEqual(['the sweep has not come round for 121 s']);
  sweep();
  expect(pulse.stuck()).toEqual([]);
  runs = false;
  expect(pulse.stuck()).toEqual(['the door has ended']);
});
