import { type Clock, createMemoryStores, type KpayAccount, openKpayAccount, Rejected, Retryable, type Stores } from '@kpay/core';
import { createSimulator, type Simulator } from '@kpay/simulator';
import {
  type Advancer,
  advanceTransfer,
  createLedger,
  fundsCheck,
  type Ledger,
  type Pin,
  pinAccount,
  rateCheck,
  scheduleCheck,
} from '../../src/index.ts';
import { openTestLedger } from '../test-ledger.ts';
import type { Dice } from './dice.ts';
import { createTasks, type Gate, type Tasks } from './tasks.ts';

const START_MS = Date.UTC(2026, 0, 1);
const WORKERS = 2;

/** A ledger and a KPay that all lives of one run share, under one clock that only the simulation moves. */
export interface Universe {
  ledger: Ledger;
  simulator: Simulator;
  clock: Clock;
  passMs(ms: number): void;
  /** Empty and at the beginning of time again. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export async function openUniverse(): Promise<Universe> {
  let nowMs = START_MS;
  const clock: Clock = {
    now: () => nowMs,
    monotonicMs: () => nowMs - START_MS,
    // A nap lets time pass. A longer sleep is the timeout of a call, which is over in no time here: it never ends
    // by itself, and lost answers are the simulator's to make.
    sleep(ms, signal) {
      if (ms <= 1_000) {
        nowMs += Math.ceil(ms);
        return new Promise((resolve) => setImmediate(resolve));
      }
      return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }));
    },
  };
  const test = await openTestLedger();
  const simulator = await createSimulator({ port: 0, limit: 100_000, seed: 1, now: clock.now, caching: false });
  return {
    ledger: createLedger(test.db, () => new Date(nowMs)),
    simulator,
    clock,
    passMs(ms) {
      nowMs += ms;
    },
    async reset() {
      simulator.control.reset();
      nowMs = START_MS;
      await test.empty();
    },
    async close() {
      await simulator.close();
      await test.close();
    },
  };
}

/** The processes of one life: workers that take steps, die and start anew. */
export interface Workers {
  tasks: Tasks;
  names(): readonly string[];
  /** Has a worker advance a transfer, up to its first await that matters. */
  advance(worker: string, id: string): Promise<void>;
  /** The process dies with all it was doing, and another one takes its place. */
  crash(worker: string): Promise<void>;
  /** What processes share apart from the ledger is gone: tokens, observations, the budget. */
  wipeStores(): Promise<void>;
  close(): Promise<void>;
}

/** @param onError told of what no worker should ever throw. */
export async function startWorkers(universe: Universe, dice: Dice, onError: (error: unknown) => void): Promise<Workers> {
  const { ledger, clock, simulator } = universe;
  let stores: Stores = createMemoryStores({ clock });
  const opened: KpayAccount[] = [];
  const alive = new Map<string, Advancer>();
  let born = 0;
  let pin: Pin | undefined;
  // A read of KPay that fails ends a worker's try; the transfer stays due and the sweep finds it.
  const tasks = createTasks((error) => {
    if (!(error instanceof Retryable || error instanceof Rejected)) onError(error);
  });

  async function start(): Promise<void> {
    born += 1;
    const account = openKpayAccount(
      {
        name: 'default',
        apiKey: 'kpay_test_simulator',
        secretKey: 'simulator-secret',
        baseUrl: simulator.url,
        environment: 'TEST',
        rateLimitPerMinute: 100_000,
      },
      { clock, stores },
    );
    opened.push(account);
    pin ??= await pinAccount(ledger, account);
    alive.set(`worker-${born}`, {
      ledger,
      account,
      pin,
      checks: [scheduleCheck, rateCheck, fundsCheck],
      clock,
      worker: `worker-${born}`,
      conflictConfirmMs: 60_000,
      random: dice.random,
      onAlarm: () => {},
    });
  }
  for (let worker = 0; worker < WORKERS; worker++) await start();

  return {
    tasks,
    names: () => [...alive.keys()],
    async advance(worker, id) {
      const advancer = alive.get(worker);
      if (advancer)
        await tasks.start(worker, (gate) => advanceTransfer(gated(advancer, gate, id), id, new AbortController().signal));
    },
    async crash(worker) {
      tasks.kill(worker);
      alive.delete(worker);
      await start();
    },
    async wipeStores() {
      stores = createMemoryStores({ clock });
      for (const worker of [...alive.keys()]) {
        tasks.kill(worker);
        alive.delete(worker);
        await start();
      }
    },
    async close() {
      for (const worker of alive.keys()) tasks.kill(worker);
      await Promise.all(opened.map((account) => account.close()));
    },
  };
}

/** Puts a gate before each thing that another process can see, so that others come between, or death does. */
function gated(advancer: Advancer, gate: Gate, about: string): Advancer {
  const { account, ledger } = advancer;
  const client = new Proxy(account.client, {
    get(target, key) {
      if (key !== 'prepareTransfer') return Reflect.get(target, key);
      return async (...args: Parameters<typeof target.prepareTransfer>) => {
        await gate('prepare', about);
        const permit = await target.prepareTransfer(...args);
        return {
          async send(...sent: Parameters<typeof permit.send>) {
            await gate('send', about);
            return permit.send(...sent);
          },
          release: () => permit.release(),
        };
      };
    },
  });
  return {
    ...advancer,
    account: { ...account, client },
    ledger: {
      db: ledger.db,
      async transaction(work) {
        await gate('transaction', about);
        return ledger.transaction(work);
      },
    },
  };
}
