/**
 * Runs many asynchronous tasks one step at a time, in an order that the caller chooses: a task stops at each gate
 * until it is stepped on, and only one of them ever runs. That makes every interleaving repeatable, and a task that
 * is dropped at a gate is a process that died there: none of its awaits ever comes back.
 */
export interface Tasks {
  /** Starts a task and runs it to its first gate or its end. `owner` is who dies with it. */
  start(owner: string, run: (gate: Gate) => Promise<unknown>): Promise<void>;
  /** What waits at a gate, oldest first. */
  waiting(): readonly WaitingTask[];
  /** Lets a waiting task run to its next gate or its end. */
  step(task: WaitingTask): Promise<void>;
  /** Everything of this owner dies where it is. */
  kill(owner: string): void;
}

/** `before` says what comes next, and `about` whom it concerns. */
export type Gate = (before: string, about?: string) => Promise<void>;

export interface WaitingTask {
  owner: string;
  before: string;
  about: string | undefined;
  open: () => void;
}

/** @param onError told of what a task throws. */
export function createTasks(onError: (error: unknown) => void): Tasks {
  let waiting: WaitingTask[] = [];
  let arrived: () => void = () => {};

  /** Runs `go` until the one task that is not waiting waits again or ends. */
  async function untilQuiet(go: () => void): Promise<void> {
    const quiet = Promise.withResolvers<void>();
    arrived = quiet.resolve;
    go();
    await quiet.promise;
  }

  function gateOf(owner: string): Gate {
    return (before, about) =>
      new Promise((open) => {
        waiting.push({ owner, before, about, open });
        arrived();
      });
  }

  return {
    start: (owner, run) =>
      untilQuiet(() => {
        run(gateOf(owner))
          .catch(onError)
          .finally(() => arrived());
      }),
    waiting: () => waiting,
    step: (task) =>
      untilQuiet(() => {
        waiting = waiting.filter((other) => other !== task);
        task.open();
      }),
    kill(owner) {
      waiting = waiting.filter((task) => task.owner !== owner);
    },
  };
}
