import { expect, it } from 'vitest';
import { watchFetches } from './watch-fetches.ts';

const queue = { prefix: '{kpay-default}', name: 'kpay-advance-default' };

function stage() {
  const answers: ((answer: null) => void)[] = [];
  const state = { nowMs: 5_000_000, answers: true, probes: 0 };
  const watch = watchFetches({
    probe: async () => {
      state.probes += 1;
      if (!state.answers) throw new Error('away');
    },
    nowMs: () => state.nowMs,
  });
  const backend = watch.watch(queue, {
    moveToActive: async (_token: string) => [],
    reconnectBlocking: async () => {},
    waitForJob: (_seconds: number) => new Promise<null>((resolve) => void answers.push(resolve)),
  });
  const pass = async (seconds: number) => {
    for (let left = seconds; left > 0; left -= 10) {
      state.nowMs += 10_000;
      await watch.check();
    }
  };
  return { watch, backend, state, answer: () => answers.shift()?.(null), pass };
}

it('names a queue whose worker has asked and heard nothing for two minutes', async () => {
  const { watch, backend, answer, pass } = stage();
  const waiting = backend.waitForJob(5);
  await pass(120);
  expect(watch.stuck()).toEqual([]);
  await pass(10);
  expect(watch.stuck()).toEqual(['queue kpay-advance-default has heard nothing for 130 s although Redis answers']);
  answer();
  await waiting;
  expect(watch.stuck()).toEqual([]);
  void backend.waitForJob(5);
  await pass(130);
  watch.forget(backend);
  expect(watch.stuck()).toEqual([]);
});

it('is patient while Redis is away, and for two minutes more', async () => {
  const { watch, backend, state, pass } = stage();
  void backend.waitForJob(5);
  state.answers = false;
  await pass(600);
  expect(watch.stuck()).toEqual([]);
  state.answers = true;
  await pass(110);
  expect(watch.stuck()).toEqual([]);
  await pass(30);
  expect(watch.stuck()).toHaveLength(1);
});

it('asks Redis nothing while workers are answered', async () => {
  const { backend, state, answer, pass } = stage();
  for (let round = 0; round < 30; round += 1) {
    const waiting = backend.waitForJob(5);
    await pass(10);
    answer();
    await waiting;
    await backend.moveToActive('token');
  }
  expect(state.probes).toBe(0);
});

it('asks for all at once: a Redis that hangs delays no answer about another queue', async () => {
  let nowMs = 0;
  let asked = 0;
  const watch = watchFetches({
    probe: () => {
      asked += 1;
      return new Promise(() => {});
    },
    nowMs: () => nowMs,
  });
  for (const name of ['one', 'two', 'three']) {
    const backend = watch.watch(
      { ...queue, name },
      { moveToActive: async () => [], reconnectBlocking: async () => {}, waitForJob: () => new Promise<null>(() => {}) },
    );
    void backend.waitForJob();
  }
  nowMs = 60_000;
  void watch.check();
  expect(asked).toBe(3);
});
