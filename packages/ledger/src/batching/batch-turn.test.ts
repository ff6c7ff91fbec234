import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { batchTurn } from './batch-turn.ts';

describe('batchTurn', () => {
  it('asks once for all of one turn, answers each, and never waits for an earlier turn', async () => {
    const asked: number[][] = [];
    const first = Promise.withResolvers<void>();
    const double = batchTurn(async (numbers: number[]) => {
      asked.push(numbers);
      if (numbers.includes(1)) await first.promise;
      return numbers.map((number) => 2 * number);
    });
    const early = Promise.all([double(1), double(2), double(3)]);
    await setImmediate();
    expect(await Promise.all([double(4), double(5)])).toEqual([8, 10]);
    first.resolve();
    expect(await early).toEqual([2, 4, 6]);
    expect(asked).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
  });

  it('tells all of a turn that it failed, and nobody else', async () => {
    const ask = batchTurn(async (words: string[]) => {
      if (words.includes('fault')) throw new Error('broken');
      return words;
    });
    const outcomes = await Promise.allSettled([ask('fault'), ask('word')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await ask('word')).toBe('word');
  });
});
