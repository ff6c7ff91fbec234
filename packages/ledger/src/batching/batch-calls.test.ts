import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, it } from 'vitest';
import { batchCalls } from './batch-calls.ts';

const refusal = Object.assign(new Error('violates check constraint'), { severity: 'ERROR' });

/** Returns the double of each number, and records the batches. */
function doubling({ maxSize = 50, refused = [] as number[] } = {}) {
  const runs: number[][] = [];
  let delayed = 0;
  const double = batchCalls<object, number, number>({
    async run(_owner, items) {
      runs.push([...items]);
      await new Promise(setImmediate);
      if (items.some((item) => refused.includes(item))) throw refusal;
      return items.map((item) => 2 * item);
    },
    maxSize: () => maxSize,
    delay: async () => {
      delayed += 1;
      await new Promise(setImmediate);
    },
  });
  return { runs, double, delayed: () => delayed };
}

it('batches calls of the same moment, and then the calls that arrived meanwhile', async () => {
  const { runs, double } = doubling();
  const owner = {};
  const first = [1, 2, 3].map((item) => double(owner, item));
  await new Promise(setImmediate);
  const later = [4, 5].map((item) => double(owner, item));
  expect(await Promise.all([...first, ...later])).toEqual([2, 4, 6, 8, 10]);
  expect(runs).toEqual([
    [1, 2, 3],
    [4, 5],
  ]);
  expect(await double(owner, 6)).toBe(12);
});

it('waits for more calls only after a batch of several that is not full enough', async () => {
  const { runs, double, delayed } = doubling();
  const owner = {};
  await double(owner, 1);
  await double(owner, 2);
  expect(delayed()).toBe(0);
  await Promise.all([double(owner, 3), double(owner, 4)]);
  expect(delayed()).toBe(0);
  const five = double(owner, 5);
  await new Promise(setImmediate);
  await Promise.all([five, double(owner, 6)]);
  expect(delayed()).toBe(1);
  await Promise.all(Array.from({ length: 10 }, () => double(owner, 7)));
  expect(delayed()).toBe(1);
  await double(owner, 8);
  expect(delayed()).toBe(2);
  await double(owner, 9);
  expect(delayed()).toBe(2);
  expect(runs.map(({ length }) => length)).toEqual([1, 1, 2, 2, 10, 1, 1]);
});

it('keeps a batch within its size and each owner apart', async () => {
  const { runs, double } = doubling({ maxSize: 2 });
  const [one, other] = [{}, {}];
  await Promise.all([double(one, 1), double(one, 2), double(other, 7), double(one, 3)]);
  expect(runs.toSorted()).toEqual([[1, 2], [3], [7]]);
});

it('runs a refused batch again one by one: only the item at fault fails', async () => {
  const { runs, double } = doubling({ refused: [2] });
  const owner = {};
  const settled = await Promise.allSettled([1, 2, 3].map((item) => double(owner, item)));
  expect(settled).toEqual([
    { status: 'fulfilled', value: 2 },
    { status: 'rejected', reason: refusal },
    { status: 'fulfilled', value: 6 },
  ]);
  expect(runs).toEqual([[1, 2, 3], [1], [2], [3]]);
});

it('runs a batch again one by one when one item makes our own code throw', async () => {
  const bug = new TypeError('of the second');
  const careful = batchCalls<object, number, number>({
    async run(_owner, items) {
      if (items.includes(2)) throw bug;
      return items;
    },
    maxSize: () => 50,
    delay: async () => {},
  });
  const owner = {};
  const settled = await Promise.allSettled([1, 2, 3].map((item) => careful(owner, item)));
  expect(settled).toMatchObject([{ value: 1 }, { reason: bug }, { value: 3 }]);
});

it('rejects the batch when the connection breaks, and repeats nothing', async () => {
  const broken = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  let runs = 0;
  const failing = batchCalls<object, number, number>({
    run() {
      runs += 1;
      return Promise.reject(broken);
    },
    maxSize: () => 50,
    delay: async () => {},
  });
  const owner = {};
  const settled = await Promise.allSettled([1, 2].map((item) => failing(owner, item)));
  expect(settled.map((each) => each.status === 'rejected' && each.reason)).toEqual([broken, broken]);
  expect(runs).toBe(1);
});

it('runs in the async context of a caller of the batch', async () => {
  const asking = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const tell = batchCalls<object, string, void>({
    async run(_owner, items) {
      seen.push(asking.getStore());
      return items.map(() => undefined);
    },
    maxSize: () => 1,
    delay: async () => {},
  });
  const owner = {};
  await Promise.all(['a', 'b'].map((who) => asking.run(who, () => tell(owner, who))));
  expect(seen).toEqual(['a', 'b']);
});
