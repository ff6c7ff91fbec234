/**
 * Runs many asynchronous tasks one step at a time, in an order that the caller chooses. A task stops at each gate until
 * it is stepped, and only one task runs at a time. So every interleaving can be repeated. A task that is dropped at a
 * gate is a process that died there: none of its awaits ever returns.
 */
export interface Tasks {
  /** Starts a task and runs it until it stops for the first time. The task dies with its `owner`. */
  start(owner: string, about: string | undefined, run: (gate: Gate, signal: AbortSignal) => Promise<unknown>): Promise<void>;
  /** The tasks that wait at a gate, oldest first. */
  waiting(): readonly WaitingTask[];
  /** Lets a waiting task run until it stops again. */
  step(waiting: WaitingTask): Promise<void>;
  /** The task that runs now. */
  running(): Task | undefined;
  /** The running task waits for something outside: its step has ended. */
  park(task: Task): void;
  /** Lets a parked task run until it stops again; `go` gives it what it waits for. */
  resume(task: Task, go: () => void): Promise<void>;
  /** All tasks of this owner die where they are. */
  kill(owner: string): void;
  /** All tasks die. Errors of living tasks from now on go to `onError`. */
  reset(onError: (error: unknown) => void): void;
}

export interface Task {
  owner: string;
  /** The transfer that it concerns. */
  about: string | undefined;
  dead: boolean;
  parked: boolean;
  /** How many calls to KPay it has made. */
  calls: number;
  signal: AbortController;
}

/** `before` names what comes next. */
export type Gate = (before: string) => Promise<void>;

export interface WaitingTask {
  task: Task;
  before: string;
  open: () => void;
}

/** Real time. A step takes milliseconds. After this time it will never end, however busy the machine is. */
const STUCK_MS = 120_000;

export function createTasks(): Tasks {
  let all = new Set<Task>();
  let waiting: WaitingTask[] = [];
  let current: Task | undefined;
  let stopped: () => void = () => {};
  let onError: (error: unknown) => void = () => {};

  /** Runs `go` until the one task that it starts or wakes has stopped. */
  async function untilStopped(task: Task, go: () => void): Promise<void> {
    const quiet = Promise.withResolvers<void>();
    const stuck = setTimeout(() => quiet.reject(new Error(`${task.owner} never came to an end with ${task.about}`)), STUCK_MS);
    current = task;
    stopped = quiet.resolve;
    go();
    await quiet.promise.finally(() => clearTimeout(stuck));
    current = undefined;
  }

  function gateOf(task: Task): Gate {
    return (before) =>
      new Promise((open) => {
        if (task.dead) return;
        waiting.push({ task, before, open });
        stopped();
      });
  }

  function die(task: Task): void {
    task.dead = true;
    all.delete(task);
    // So that no timer of its checks outlives it. Whatever the aborted task does next has no effect.
    task.signal.abort(new Error(`${task.owner} died`));
  }

  return {
    start(owner, about, run) {
      const task: Task = { owner, about, dead: false, parked: false, calls: 0, signal: new AbortController() };
      all.add(task);
      return untilStopped(task, () => {
        run(gateOf(task), task.signal.signal)
          .catch((error: unknown) => {
            if (!task.dead) onError(error);
          })
          .finally(() => {
            all.delete(task);
            if (!task.dead) stopped();
          });
      });
    },
    waiting: () => waiting,
    step(stepped) {
      return untilStopped(stepped.task, () => {
        waiting = waiting.filter((other) => other !== stepped);
        stepped.open();
      });
    },
    running: () => current,
    park(task) {
      task.parked = true;
      stopped();
    },
    resume(task, go) {
      task.parked = false;
      return untilStopped(task, go);
    },
    kill(owner) {
      waiting = waiting.filter(({ task }) => task.owner !== owner);
      for (const task of all) if (task.owner === owner) die(task);
    },
    reset(report) {
      for (const task of all) die(task);
      all = new Set();
      waiting = [];
      onError = report;
    },
  };
}
