import type { PGlite } from '@electric-sql/pglite';
import {
  createMemoryStores,
  type KpayAccount,
  type KpayClient,
  KpayError,
  type Lane,
  type Observations,
  RejectedError,
  RetryableError,
  type Stores,
} from '@kpay/core';
import { createSimulator, type Simulator, simulatorApiKey, simulatorApplicationId, simulatorSecretKey } from '@kpay/simulator';
import type { KyselyPlugin, RootOperationNode } from 'kysely';
import { openTestLedger } from '../../../ledger/test/test-ledger.ts';
import { type SpendLimit, spendLimitCheck } from '../../src/checks/spend-limit.ts';
import {
  advanceTransfer,
  fundsCheck,
  type LedgerEpoch,
  openAccounts,
  openLedgerEpoch,
  type Pin,
  pinAccount,
  rateCheck,
  scheduleCheck,
  type TransferEngine,
} from '../../src/faces/worker.ts';
import { createLedger, type Ledger, PinMismatch } from '../../src/index.ts';
import { createMemoryEpochWitness, type MemoryEpochWitness } from '../memory-epoch-witness.ts';
import type { Rng } from './rng.ts';
import { createTasks, type Gate, type Tasks } from './tasks.ts';
import { createTimeline, LONGEST_NAP_MS, type Timeline } from './timeline.ts';

const START_MS = Date.UTC(2026, 0, 1);
const WORKERS = 2;
/** KPay's limit. */
export const WINDOW_MS = 60_000;

/** The application whose money is tested, and another, unrelated one. */
export const ours: string = simulatorApplicationId;
const stranger = { id: '0f0f0f0f-1111-4222-8333-444444444444', apiKey: 'kpay_test_stranger', secretKey: 'stranger-secret' };

export interface Keys {
  apiKey: string;
  secretKey: string;
}

/** A ledger and a KPay that all runs share, under one clock that only the simulation moves. */
export interface Universe {
  ledger: Ledger;
  simulator: Simulator;
  tasks: Tasks;
  timeline: Timeline;
  /** Saves the whole ledger. @returns a function that restores it. */
  backUp(): Promise<() => Promise<void>>;
  /** How many statements have written to the ledger. While it stays the same, nothing happened there. */
  writes(): number;
  /** Empties everything and sets the time to its beginning. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** @param pglite a database that is open already. */
export async function openUniverse(pglite?: PGlite): Promise<Universe> {
  const tasks = createTasks();
  const timeline = createTimeline(START_MS, tasks);
  const test = await openTestLedger(pglite);
  const simulator = await createSimulator({
    port: 0,
    seed: 1,
    now: timeline.nowMs,
    sleep: timeline.sleepAtKpay,
    caching: false,
    applications: [stranger],
  });
  let writes = 0;
  const counting: KyselyPlugin = {
    transformQuery({ node }) {
      if (writesTo(node)) writes += 1;
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  };
  return {
    ledger: createLedger(test.db.withPlugin(counting), () => new Date(timeline.nowMs())),
    simulator,
    tasks,
    timeline,
    backUp: () => test.backUp(),
    writes: () => writes,
    async reset() {
      tasks.reset(() => {});
      timeline.reset();
      simulator.control.reset();
      await test.empty();
    },
    async close() {
      await simulator.close();
      await test.close();
    },
  };
}

function writesTo(node: RootOperationNode): boolean {
  if (node.kind === 'RawNode') return node.sqlFragments.some((part) => /\b(insert into|update|delete from) kpay\./.test(part));
  return ['InsertQueryNode', 'UpdateQueryNode', 'DeleteQueryNode'].includes(node.kind);
}

/** The processes of one run: workers that take steps, die and start again. */
export interface Workers {
  names(): readonly string[];
  /** A worker advances a transfer, up to its first await that matters. */
  advance(worker: string, id: string): Promise<void>;
  /** The process dies with all its work, and another one takes its place. */
  crash(worker: string): Promise<void>;
  /** A person reads from KPay, if the lane has a slot. */
  read(worker: string, lane: Lane): Promise<void>;
  /** Every process checks whether its ledger is still the one that it knows. */
  checkEpochs(): Promise<void>;
  /** The epoch witness of the ledger. */
  epochWitness: MemoryEpochWitness;
  /** Processes that have committed a send and not made it yet end right there. */
  crashSenders(): Promise<void>;
  /** Wipes what processes share besides the ledger: tokens, observations, the budget. The processes go on. */
  wipeStores(): void;
  /** Every process ends, and the configured number of processes starts again with KPay's present keys. */
  restart(): Promise<void>;
  /** KPay gives the application new keys. With `reused` the old ones belong to another application from now on. */
  rotateKeys(kind: 'secret' | 'both' | 'reused'): void;
  /** One process starts again with the keys of another application. */
  misconfigure(worker: string): Promise<void>;
  /** When a send was last prepared: its slot of the budget is no older. */
  preparedMs(worker: string, transfer: string): number | undefined;
  wipedMs(): number;
  keysSinceMs(): number;
  /** Whether a process may read another application's wallets. */
  isConfused(): boolean;
  close(): Promise<void>;
}

interface Process {
  account: KpayAccount;
  /** Only while this is true do its actions on shared stores and the queue count. */
  run: { alive: boolean };
  /** Undefined until KPay has named the application. */
  engine: TransferEngine | undefined;
}

export interface WorkersOptions {
  /** Requests a minute, at KPay and in our settings. */
  limit: number;
  spendLimits: readonly SpendLimit[];
  rng: Rng;
  /** Called with errors that no worker should ever throw. */
  onError: (error: unknown) => void;
  count: (what: string) => void;
}

export async function startWorkers(universe: Universe, options: WorkersOptions): Promise<Workers> {
  const { ledger, timeline, simulator, tasks } = universe;
  const { limit, spendLimits, rng, count } = options;
  const { control } = simulator;
  control.setLimit({ limit });
  // A read of KPay that fails ends a worker's attempt. The transfer stays due, and the sweep finds it.
  tasks.reset((error) => {
    if (!(error instanceof KpayError)) options.onError(error);
  });

  const epochWitness = createMemoryEpochWitness();
  let shared: Stores = createMemoryStores({ clock: timeline.clock });
  let atKpay: Keys = { apiKey: simulatorApiKey, secretKey: simulatorSecretKey };
  let settings = atKpay;
  let wipedMs = Number.NEGATIVE_INFINITY;
  let keysSinceMs = Number.NEGATIVE_INFINITY;
  let confused = false;
  let born = 0;
  const opened: KpayAccount[] = [];
  const processes = new Map<string, Process>();
  const prepared = new Map<string, number>();

  async function start(keys: Keys): Promise<void> {
    born += 1;
    const name = `worker-${born}`;
    const run = { alive: true };
    const stores = storesOf(
      () => shared,
      () => run.alive,
    );
    const accounts = await openAccounts(
      [{ name: 'default', ...keys, baseUrl: simulator.url, environment: 'TEST', rateLimitPerMinute: limit }],
      { ledger, clock: timeline.clock, stores, budgetWindowMs: WINDOW_MS, watch: () => ({}) },
    );
    for (const account of accounts.values()) {
      opened.push(account);
      const process = { account, run, engine: undefined };
      processes.set(name, process);
      await pin(name, process);
    }
  }

  /**
   * As at a real start: when KPay refuses, or is another application, the process ends; when KPay is away, it is asked
   * again.
   */
  async function pin(name: string, process: Process): Promise<void> {
    let refused = false;
    await tasks.start(name, undefined, async () => {
      try {
        const pinned = await pinAccount(ledger, process.account);
        const epoch = await openLedgerEpoch({ ledger, witness: epochWitness, clock: timeline.clock });
        process.engine = engineOf(name, process.account, pinned, epoch);
      } catch (error) {
        if (error instanceof RetryableError) return;
        if (!(error instanceof PinMismatch || error instanceof RejectedError)) throw error;
        count(error instanceof PinMismatch ? 'starts refused by the pin' : 'starts refused for their keys');
        refused = true;
      }
    });
    if (refused) kill(name);
  }

  function engineOf(worker: string, account: KpayAccount, pinned: Pin, epoch: LedgerEpoch): TransferEngine {
    return {
      ledger,
      account,
      pin: pinned,
      epoch,
      checks: [scheduleCheck, spendLimitCheck(spendLimits), rateCheck, fundsCheck],
      limits: spendLimits,
      clock: timeline.clock,
      worker,
      conflictConfirmMs: 60_000,
      random: rng.random,
      onAlarm: () => count('alarms'),
    };
  }

  function kill(name: string): void {
    const process = processes.get(name);
    if (!process) return;
    process.run.alive = false;
    processes.delete(name);
    tasks.kill(name);
    timeline.forget(name);
  }

  for (let worker = 0; worker < WORKERS; worker++) await start(settings);

  return {
    names: () => [...processes.keys()].filter((name) => !timeline.isFrozen(name)),
    async advance(worker, id) {
      const process = processes.get(worker);
      if (!process) return;
      if (!process.engine) await pin(worker, process);
      const { engine } = process;
      if (!engine) return;
      const onPrepared = () => void prepared.set(`${worker} ${id}`, timeline.nowMs());
      await tasks.start(worker, id, (gate, signal) => advanceTransfer(gated(engine, gate, onPrepared), id, signal));
    },
    async crash(worker) {
      kill(worker);
      await start(settings);
    },
    async read(worker, lane) {
      const process = processes.get(worker);
      if (process) await tasks.start(worker, undefined, () => process.account.client.availability({ lane, maxWaitMs: 0 }));
    },
    async checkEpochs() {
      for (const { engine } of processes.values()) await engine?.epoch.check();
    },
    epochWitness,
    async crashSenders() {
      for (const { task, before } of [...tasks.waiting()]) {
        if (before !== 'send' || !processes.has(task.owner)) continue;
        kill(task.owner);
        await start(settings);
      }
    },
    wipeStores() {
      shared = createMemoryStores({ clock: timeline.clock });
      wipedMs = timeline.nowMs();
    },
    async restart() {
      if (settings !== atKpay) keysSinceMs = timeline.nowMs();
      settings = atKpay;
      confused = false;
      for (const name of [...processes.keys()]) kill(name);
      for (let worker = 0; worker < WORKERS; worker++) await start(settings);
    },
    rotateKeys(kind) {
      const old = atKpay;
      const apiKey = kind === 'secret' ? old.apiKey : `kpay_test_rotated_${born}_${timeline.nowMs()}`;
      atKpay = { apiKey, secretKey: `secret-${timeline.nowMs()}` };
      control.rotateKeys({ applicationId: ours, ...atKpay });
      if (kind !== 'reused') return;
      confused = true;
      control.rotateKeys({ applicationId: stranger.id, ...old });
    },
    async misconfigure(worker) {
      kill(worker);
      const { apiKey, secretKey } = stranger;
      await start({ apiKey, secretKey });
    },
    preparedMs: (worker, transfer) => prepared.get(`${worker} ${transfer}`),
    wipedMs: () => wipedMs,
    keysSinceMs: () => keysSinceMs,
    isConfused: () => confused,
    async close() {
      for (const name of [...processes.keys()]) kill(name);
      timeline.reset();
      await Promise.all(opened.map((account) => account.close()));
    },
  };
}

// A token is requested again before it is old enough for a refresh in the background, which the simulation could not
// step.
const TOKEN_KEPT_MS = 15 * 60_000;

/** A process's view of the shared stores: the present ones, and none once it is dead. */
function storesOf(shared: () => Stores, isAlive: () => boolean): Stores {
  function living<T extends object>(store: () => T): T {
    return new Proxy({} as T, {
      get:
        (_target, method) =>
        (...given: unknown[]) =>
          isAlive() ? (Reflect.get(store(), method) as (...args: unknown[]) => unknown)(...given) : new Promise(() => {}),
    });
  }
  return {
    budget: (key) => living(() => shared().budget(key)),
    shared(key) {
      const store = living(() => shared().shared(key));
      return new Proxy(store, {
        get(target, method) {
          if (method !== 'write') return Reflect.get(target, method);
          const write: typeof target.write = (name, entry, keepMs) =>
            target.write(name, entry, name === 'token' ? Math.min(keepMs, TOKEN_KEPT_MS) : keepMs);
          return write;
        },
      });
    },
  };
}

/** Puts a gate before each effect that another process can see, so that others, or death, can come in between. */
function gated(engine: TransferEngine, gate: Gate, onPrepared: () => void): TransferEngine {
  const { account, ledger } = engine;
  const client = replaced<KpayClient>(account.client, {
    async prepareTransfer(...args) {
      await gate('prepare');
      const permit = await account.client.prepareTransfer(...args);
      onPrepared();
      return {
        async send(...sent) {
          await gate('send');
          return permit.send(...sent);
        },
        release: () => permit.release(),
      };
    },
  });
  const observations = replaced<Observations>(account.observations, {
    async balance(...args) {
      await gate('balance');
      return account.observations.balance(...args);
    },
    async rate(...args) {
      await gate('rate');
      return account.observations.rate(...args);
    },
  });
  return {
    ...engine,
    // The ledger refuses the answer; it is tried again in the process's next turn.
    clock: { ...engine.clock, sleep: (ms, signal) => (ms > LONGEST_NAP_MS ? gate('nap') : engine.clock.sleep(ms, signal)) },
    account: { ...account, client, observations },
    ledger: {
      get db() {
        return ledger.db;
      },
      async transaction(work) {
        await gate('transaction');
        return ledger.transaction(work);
      },
      async statement(run) {
        await gate('statement');
        return ledger.statement(run);
      },
      batchDelay: () => ledger.batchDelay(),
    },
  };
}

function replaced<T extends object>(target: T, by: Partial<T>): T {
  return { ...target, ...by };
}
