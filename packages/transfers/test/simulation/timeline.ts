import type { Clock } from '@kpay/core';
import type { Task, Tasks } from './tasks.ts';

/** Naps let the time pass by themselves. Anything longer is a time-out, which ends at its time. */
export const LONGEST_NAP_MS = 1_000;

/** The time of a simulated run. It passes only when the simulation says so, for our processes and for KPay alike. */
export interface Timeline {
  nowMs(): number;
  /** The clock of one process, with its time-outs. */
  clock: Clock;
  /** How KPay waits: a call that it delays ends the caller's step. */
  sleepAtKpay(ms: number, signal: AbortSignal): Promise<void>;
  /** Lets time pass. Time-outs end and KPay continues its calls, each at its time. */
  pass(ms: number): Promise<void>;
  /** Stops a process (SIGSTOP): its time-outs wait until it continues. */
  freeze(owner: string, untilMs: number): void;
  isFrozen(owner: string): boolean;
  /** The process is dead: its connections are closed, and nothing of it wakes up again. */
  forget(owner: string): void;
  /** When the next of them ends by itself; undefined when nothing waits. */
  nextMs(): number | undefined;
  /** Whether KPay still has a call for this transfer. */
  isAtKpay(about: string): boolean;
  reset(): void;
}

interface Timer {
  task: Task | undefined;
  /** The call of the task to which it belongs. */
  call: number;
  side: 'client' | 'kpay';
  atMs: number;
  wake: () => void;
}

export function createTimeline(startMs: number, tasks: Tasks): Timeline {
  let nowMs = startMs;
  let frozen = new Map<string, number>();
  const timers = new Set<Timer>();

  const isFrozen = (owner: string | undefined) => owner !== undefined && (frozen.get(owner) ?? 0) > nowMs;
  const isClientsOf = (timer: Timer, owner: string) => timer.side === 'client' && timer.task?.owner === owner;

  function wakeMs(timer: Timer): number {
    const thawMs = timer.side === 'client' && timer.task ? (frozen.get(timer.task.owner) ?? 0) : 0;
    return Math.max(timer.atMs, thawMs);
  }

  function next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of timers) if (!first || wakeMs(timer) < wakeMs(first)) first = timer;
    return first;
  }

  /** A time-out of a process. */
  function startTimer(ms: number, wake: () => void): () => void {
    const task = tasks.running();
    if (task) task.calls += 1;
    const timer: Timer = { task, call: task?.calls ?? 0, side: 'client', atMs: nowMs + ms, wake };
    timers.add(timer);
    return () => timers.delete(timer);
  }

  async function end(timer: Timer): Promise<void> {
    timers.delete(timer);
    const { task } = timer;
    if (task?.parked && !task.dead && task.calls === timer.call) return tasks.resume(task, timer.wake);
    timer.wake();
    // Not awaited: KPay continues by itself, within one turn.
    await turn();
  }

  return {
    nowMs: () => nowMs,
    clock: {
      now: () => nowMs,
      monotonicMs: () => nowMs - startMs,
      sleep(ms, signal) {
        if (ms <= LONGEST_NAP_MS) {
          nowMs += Math.ceil(ms);
          return turn();
        }
        return new Promise((resolve, reject) => {
          const stop = startTimer(ms, resolve);
          const leave = () => {
            stop();
            reject(signal?.reason);
          };
          signal?.addEventListener('abort', leave, { once: true });
        });
      },
      startTimer,
    },
    sleepAtKpay(ms) {
      const task = tasks.running();
      return new Promise((wake) => {
        timers.add({ task, call: task?.calls ?? 0, side: 'kpay', atMs: nowMs + ms, wake });
        if (task) tasks.park(task);
      });
    },
    async pass(ms) {
      const untilMs = nowMs + ms;
      for (let timer = next(); timer && wakeMs(timer) <= untilMs; timer = next()) {
        nowMs = Math.max(nowMs, wakeMs(timer));
        await end(timer);
      }
      nowMs = Math.max(nowMs, untilMs);
    },
    freeze: (owner, untilMs) => void frozen.set(owner, untilMs),
    isFrozen,
    forget(owner) {
      for (const timer of timers) if (isClientsOf(timer, owner)) timer.wake();
    },
    nextMs() {
      const timer = next();
      return timer && wakeMs(timer);
    },
    isAtKpay: (about) => [...timers].some(({ side, task }) => side === 'kpay' && task?.about === about),
    reset() {
      for (const timer of timers) timer.wake();
      timers.clear();
      nowMs = startMs;
      frozen = new Map();
    },
  };
}

/** Lets everything that is ready run. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
