import { type KpayAccount, RejectedError, systemClock } from '@kpay/core';
import { ledgerMissing } from '@kpay/ledger';
import {
  healthRoutes,
  type Logger,
  type Queues,
  repeat,
  StartError,
  serveMetrics,
  startHttp,
  type WebConfig,
} from '@kpay/runtime';
import { type Ledger, PinMismatch } from '@kpay/transfers';
import { pause } from '@kpay/transfers/operations';
import type { Plugin } from '@kpay/transfers/plugin';
import {
  type AccountRules,
  type EpochWitness,
  ForeignLedger,
  type LedgerEpoch,
  openLedgerEpoch,
  type Pin,
  pinAccount,
} from '@kpay/transfers/worker';
import type { Registry } from 'prom-client';
import { type AccountService, openAccountService } from './account-service.ts';
import { watchStats } from './ledger-metrics.ts';
import { limitConcurrency } from './limit-concurrency.ts';
import { createLiveness } from './liveness.ts';
import { runSink } from './run-sink.ts';
import { createTransferMetrics } from './transfer-metrics.ts';
import { watchActivity } from './watch-activity.ts';
import type { ObservationPace } from './watch-held.ts';
import { watchUnknownQueues } from './watch-unknown-queues.ts';

// A start waits for KPay at most this long; then the worker goes on trying in the background.
const FIRST_PIN_MS = 3_000;
const PIN_RETRY_MS = 10_000;
const CHECK_EPOCH_EVERY_MS = 1_000;
/** The sweeps of hundreds of accounts would use all connections to the ledger, and the transfers would stand still. */
const SWEEPS_AT_ONCE = 2;

export interface WorkerOptions {
  ledger: Ledger;
  /** The witness that shows when the ledger was restored. */
  epochWitness: EpochWitness;
  accounts: ReadonlyMap<string, KpayAccount>;
  /** The names of all accounts, when this worker serves only some. */
  allAccounts?: readonly string[];
  queues: Queues;
  logger: Logger;
  /** Where the worker's metrics are kept. */
  registry: Registry;
  /** Who may see the metrics, and the TLS settings; everybody, over http, by default. */
  web?: WebConfig | undefined;
  host: string;
  /** WORKER_PORT, for /healthz, /readyz and /metrics; 0 takes any free one. */
  port: number;
  /** How many transfers of an account are under way at once. */
  concurrency: number;
  /** How many ended jobs of a queue are kept when the client did not set it; 5,000 by default. */
  keptJobs?: number;
  /** The shortest time between two 409s that together confirm a transfer. */
  conflictConfirmMs: number;
  /** The rules of those accounts that have any. */
  rules?: ReadonlyMap<string, AccountRules>;
  /** The plugins of KPAY_PLUGINS. */
  plugins?: readonly Plugin[];
  /** How often the balance and rates are read while transfers wait for them. */
  observeEveryMs: ObservationPace;
}

export interface RunningWorker {
  url: string;
  /** The accounts for which nothing is sent yet, and why. */
  waiting(): ReadonlyMap<string, string>;
  /** Takes nothing new, lets sends under way finish, then closes. */
  close(): Promise<void>;
}

/**
 * Opens the intake of all accounts. It advances an account's transfers once KPay has confirmed the application and the
 * ledger agrees. Without KPay, jobs are accepted all the same.
 *
 * An account waits with an alarm, and is tried again, when KPay refuses its keys or the ledger knows it as another
 * application.
 *
 * @throws StartError when that is so for all accounts, or when the epoch witness belongs to another ledger.
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { accounts, queues, logger, ledger, registry, host, port, web } = options;
  const epoch = await openEpoch(options);
  const metrics = createTransferMetrics(registry, [...accounts.keys()]);
  const releasers: (() => Promise<unknown>)[] = [];
  const waiting = new Map<string, string>();
  const liveness = createLiveness(systemClock.monotonicMs);
  let stopping = false;
  const services = new Map<string, AccountService>();
  const close = async () => {
    stopping = true;
    for (const release of releasers.splice(0).reverse()) await release();
  };
  // Ready means that intake is open. An account whose KPay does not answer still accepts jobs, so it is not listed as
  // missing. A restored ledger accepts jobs too, but it is listed, because it waits for a person.
  let doorsOpen = false;
  const missing = async () => {
    if (stopping) return ['it stops'];
    if (!doorsOpen) return ['the queues'];
    const away = await Promise.all([ledgerMissing(ledger), queuesMissing(queues)]);
    return [...away.flat(), ...[epoch.refusal() ?? []].flat()];
  };
  const routes = {
    // After an orderly close nothing counts as stuck.
    ...healthRoutes(missing, () => (stopping ? [] : [...liveness.stuck(), ...queues.stuck()])),
    '/metrics': serveMetrics({ registry, web }),
  };
  const sweepInTurn = limitConcurrency(SWEEPS_AT_ONCE);
  const activity = watchActivity(
    ledger,
    [...accounts.keys()],
    (error) => logger.error({ err: error }, 'cannot read which accounts have something to do'),
    liveness.heartbeat('the search for accounts with something to do'),
  );
  releasers.push(activity.stop);
  try {
    const server = await startHttp({ host, port, portSetting: 'WORKER_PORT', routes, logger, tls: web?.tls });
    releasers.push(server.close);
    releasers.push(await serveAccounts());
    const failed = (error: unknown) => logger.error({ err: error }, "cannot read the ledger's epoch");
    releasers.push(repeat(epoch.check, CHECK_EPOCH_EVERY_MS, failed, liveness.heartbeat("the check of the ledger's epoch")));
    releasers.push(
      watchStats({
        ledger,
        accounts: [...accounts.keys()],
        countJobs: async (account) => (await services.get(account)?.countJobs()) ?? {},
        waiting: () => waitingOf(epoch, accounts.keys(), waiting),
        registry,
        logger,
      }),
    );
    releasers.push(watchUnknownQueues({ ...options, accounts: options.allAccounts ?? accounts.keys() }));
    for (const plugin of options.plugins ?? []) {
      for (const sink of plugin.sinks ?? []) releasers.push(runSink({ ledger, plugin: plugin.name, sink, logger }));
    }
    doorsOpen = true;
    return { url: server.url, waiting: () => waitingOf(epoch, accounts.keys(), waiting), close };
  } catch (error) {
    await close();
    throw error;
  }

  /** All at once: intake opens whatever KPay does, and many accounts do not make the start longer. */
  async function serveAccounts(): Promise<() => Promise<unknown>> {
    const served = await Promise.allSettled([...accounts.values()].map(serveAccount));
    const closeAll = () => Promise.all(served.map(async (each) => each.status === 'fulfilled' && each.value.close()));
    const failed = served.find((each) => each.status === 'rejected');
    const refusals = served.flatMap((each) => (each.status === 'fulfilled' && each.value.refusal) || []);
    const [first] = refusals;
    // When no account can be served, the start fails. Otherwise the refused accounts wait, and the others are served.
    const refused = refusals.length === accounts.size && first ? new StartError(first.message, { cause: first }) : undefined;
    const reason: unknown = failed?.reason ?? refused;
    if (reason !== undefined) {
      await closeAll();
      throw reason;
    }
    for (const each of served) if (each.status === 'fulfilled') await each.value.reportRefusal();
    return closeAll;
  }

  interface Served {
    /** Why nothing is sent for the account, when a person must change something. */
    refusal: Error | undefined;
    reportRefusal(): Promise<void>;
    close(): Promise<void>;
  }

  async function serveAccount(account: KpayAccount): Promise<Served> {
    const service = openAccountService({
      ...options,
      account,
      epoch,
      accounts: new Set(accounts.keys()),
      metrics,
      liveness,
      activity: () => activity.activityOf(account.name),
      sweepInTurn,
      onMismatch: (mismatch) => pauseMismatched(options, account.name, mismatch),
    });
    services.set(account.name, service);
    const onPinned = (pin: Pin) => {
      waiting.delete(account.name);
      service.advance(pin);
    };
    const onRefused = async (error: Error) => {
      waiting.set(account.name, error.message);
      if (error instanceof PinMismatch) return pauseMismatched(options, account.name, error);
      logger.error({ account: account.name, alarm: 'keys' }, error.message);
    };
    const first = await tryPin(ledger, account, AbortSignal.timeout(FIRST_PIN_MS));
    if (first.kind === 'pinned') {
      onPinned(first.pin);
      return { refusal: undefined, reportRefusal: async () => {}, close: service.close };
    }
    const refusal = first.final ? first.error : undefined;
    waiting.set(account.name, refusal?.message ?? 'KPay has not answered yet');
    if (!refusal)
      logger.warn({ account: account.name, err: first.error }, 'KPay does not answer: jobs are accepted, nothing is sent');
    const stopTrying = repeat(
      async (signal) => {
        if (!waiting.has(account.name) || signal.aborted) return;
        const next = await tryPin(ledger, account, signal);
        if (next.kind === 'pinned') return onPinned(next.pin);
        if (next.final && waiting.get(account.name) !== next.error.message) await onRefused(next.error);
      },
      PIN_RETRY_MS,
      (error) => logger.error({ err: error, account: account.name }, 'cannot pin the account'),
    );
    return {
      refusal,
      reportRefusal: async () => void (refusal && (await onRefused(refusal))),
      async close() {
        await stopTrying();
        await service.close();
      },
    };
  }
}

async function queuesMissing(queues: Queues): Promise<readonly string[]> {
  return queues.ping().then(
    () => [],
    () => ['queues: cannot be reached'],
  );
}

/** @throws StartError when the epoch witness belongs to another ledger. */
async function openEpoch({ ledger, epochWitness, logger }: WorkerOptions): Promise<LedgerEpoch> {
  const onChange = (refusal: string | undefined) => {
    if (refusal === undefined) logger.warn('the restore of the ledger is finished: sending goes on');
    else logger.error({ alarm: 'restored' }, refusal);
  };
  try {
    return await openLedgerEpoch({ ledger, witness: epochWitness, clock: systemClock, onChange });
  } catch (error) {
    throw error instanceof ForeignLedger ? new StartError(error.message, { cause: error }) : error;
  }
}

/** Why nothing is sent for an account: the ledger's reason, else the account's own. */
function waitingOf(
  epoch: LedgerEpoch,
  accounts: Iterable<string>,
  waiting: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const refusal = epoch.refusal();
  return refusal === undefined ? waiting : new Map([...accounts].map((name) => [name, refusal]));
}

/**
 * The ledger knows the account as another KPay application. Nothing may be sent until a person has checked and lifted
 * the pause.
 */
async function pauseMismatched({ ledger, logger }: WorkerOptions, account: string, mismatch: PinMismatch): Promise<void> {
  const paused = await pause(ledger, { scope: 'account', account }, { by: 'worker', reason: mismatch.message });
  logger.error({ account, alarm: 'pin', pause: paused.id }, mismatch.message);
}

/** `final`: trying again does not help; a person must change something. */
type PinTry = { kind: 'pinned'; pin: Pin } | { kind: 'failed'; error: Error; final: boolean };

async function tryPin(ledger: Ledger, account: KpayAccount, signal?: AbortSignal): Promise<PinTry> {
  try {
    return { kind: 'pinned', pin: await pinAccount(ledger, account, signal) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error instanceof RejectedError) {
      const refusal = `KPay refuses the keys of account ${account.name} (${error.status}): check its API key and secret key`;
      return { kind: 'failed', error: new Error(refusal, { cause: error }), final: true };
    }
    return { kind: 'failed', error, final: error instanceof PinMismatch };
  }
}
