import {
  type CountryAvailability,
  type ExchangeRate,
  isStillGood,
  type KpayAccount,
  KpayError,
  type ObservationName,
  type Observed,
  type ObserveOptions,
  RejectedError,
  type WalletBalance,
} from '@kpay/core';
import { type Logger, repeat } from '@kpay/runtime';
import type { Ledger } from '@kpay/transfers';
import type { CollectorAccount, SeenOfKpay } from '@kpay/transfers/plugin';
import { type Outflow, ratePairsInUse, recentOutflow } from '@kpay/transfers/worker';
import { boundNames } from './bound-names.ts';
import { keepFresh } from './keep-fresh.ts';
import { parseRatePair } from './rate-pair.ts';

export interface WatchAccountOptions {
  account: KpayAccount;
  /** As in KPAY_RATE_PAIRS. The rates that transfers need are watched as well. */
  ratePairs: readonly string[];
  /** The source for outflow and needed rates. Without it neither is shown. */
  ledger?: Ledger | undefined;
  everyMs: Readonly<Record<ObservationName, number>>;
  /** A value that was requested longer ago than this, or in the future, is not shown. */
  seriesMaxAgeMs: Readonly<Record<ObservationName, number>>;
  /** Whether the account's keys are confirmed. Otherwise whatever they read is dropped. */
  isOurs(): boolean;
  /** Called with the field of each name in an answer that is left out because there are too many. */
  onLeftOut(field: 'provider' | 'currency'): void;
  /** Called for each read that failed. */
  onFailure(observation: ObservationName): void;
  logger: Logger;
}

/** What the exporter knows about an account, in memory. A scrape reads only this. */
export interface AccountWatch {
  view: CollectorAccount;
  /** Starts the reads. @returns a function that stops them. */
  start(): () => Promise<void>;
  /** Drops all values. */
  forget(): void;
}

const BUDGET_EVERY_MS = 1_000;
const LEDGER_EVERY_MS = 15_000;
/** A value that could not be read for this many rounds is not shown any more. */
const OUTLIVES = 4;
/** The period of the outflow. Long enough to even out single transfers, short enough to notice a busy hour. */
const OUTFLOW_OVER_MS = 60 * 60_000;

export function watchAccount(options: WatchAccountOptions): AccountWatch {
  const { account, ledger, everyMs, seriesMaxAgeMs, isOurs, onFailure, logger } = options;
  const { observations, clock, name } = account;
  const bounds = boundNames(options.onLeftOut);
  let balance: Observed<WalletBalance[]> | undefined;
  let availability: Observed<CountryAvailability[]> | undefined;
  const rates = new Map<string, Observed<ExchangeRate>>();
  let pairs: readonly string[] = options.ratePairs;
  const remaining = createDated<number>(() => clock.monotonicMs(), BUDGET_EVERY_MS * OUTLIVES);
  const outflow = createDated<ReadonlyMap<string, Outflow>>(() => clock.monotonicMs(), LEDGER_EVERY_MS * OUTLIVES);
  const availabilityListeners: ((observed: Observed<CountryAvailability[]>) => void)[] = [];
  const balanceListeners: ((observed: Observed<WalletBalance[]>) => void)[] = [];
  /** The present error of each read that fails. */
  const troubles = new Map<string, Error>();

  const whileYoung = <T>(observation: ObservationName, observed: Observed<T> | undefined) =>
    observed && isStillGood({ sinceMs: observed.askedAt.getTime(), forMs: seriesMaxAgeMs[observation] }, clock.now())
      ? observed
      : undefined;
  const latest: SeenOfKpay = {
    balance: () => balance,
    availability: () => availability,
    rate: (from, to) => rates.get(`${from}:${to}`),
  };
  const view: CollectorAccount = {
    name,
    latest,
    shown: {
      balance: () => whileYoung('balance', balance),
      availability: () => whileYoung('availability', availability),
      rate: (from, to) => whileYoung('rate', latest.rate(from, to)),
    },
    ratePairs: () => pairs.map(parseRatePair),
    lastFailure: (observation) => troubles.get(observation),
    budget: { limit: account.rateLimitPerMinute, remaining: remaining.get },
    outflow: outflow.get,
    onAvailability: (listener) => void availabilityListeners.push(listener),
    onBalance: (listener) => void balanceListeners.push(listener),
  };

  function keep<T>(
    observation: ObservationName,
    pair: string | null,
    peek: () => Promise<Observed<T> | undefined>,
    read: (options: ObserveOptions) => Promise<Observed<T>>,
    onNew: (observed: Observed<T>) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const key = pair ?? observation;
    const about = { account: name, observation, ...(pair === null ? {} : { pair }) };
    let newest: number | undefined;
    const take = (observed: Observed<T>) => {
      if (newest === observed.askedAt.getTime() || !isOurs()) return;
      newest = observed.askedAt.getTime();
      onNew(observed);
    };
    const keeping = keepFresh({
      read,
      everyMs: everyMs[observation],
      clock,
      signal,
      random: Math.random,
      onAnswer(observed) {
        if (troubles.delete(key)) logger.info(about, 'KPay answers again');
        take(observed);
      },
      onFailure(error) {
        onFailure(observation);
        const known = troubles.get(key);
        troubles.set(key, error instanceof Error ? error : new Error(String(error)));
        if (known && kindOf(known) === kindOf(error)) return;
        logger.warn({ ...about, err: error }, 'cannot read KPay; its series vanish unless a later read succeeds');
      },
    });
    // Values that other processes have read are shown from the start.
    peek().then(
      (observed) => observed && newest === undefined && !signal.aborted && take(observed),
      () => {},
    );
    return keeping;
  }

  function keepRate(pair: string, signal: AbortSignal): Promise<void> {
    const { from, to } = parseRatePair(pair);
    const onNew = (observed: Observed<ExchangeRate>) => void rates.set(pair, observed);
    return keep(
      'rate',
      pair,
      () => observations.peekRate(from, to),
      (how) => observations.rate(from, to, how),
      onNew,
      signal,
    );
  }

  return {
    view,
    forget() {
      balance = undefined;
      availability = undefined;
      rates.clear();
    },
    start() {
      const stopping = new AbortController();
      const keptRates = new Map<string, AbortController>();
      const kept: Promise<unknown>[] = [
        keep(
          'balance',
          null,
          observations.peekBalance,
          observations.balance,
          notifyAll(bounds.balance, balanceListeners, (next) => (balance = next)),
          stopping.signal,
        ),
        keep(
          'availability',
          null,
          observations.peekAvailability,
          observations.availability,
          notifyAll(bounds.availability, availabilityListeners, (next) => (availability = next)),
          stopping.signal,
        ),
      ];
      const watchRates = (wanted: readonly string[]) => {
        for (const [pair, own] of keptRates) {
          if (wanted.includes(pair)) continue;
          own.abort();
          keptRates.delete(pair);
          troubles.delete(pair);
          rates.delete(pair);
        }
        for (const pair of wanted) {
          if (keptRates.has(pair)) continue;
          const own = new AbortController();
          keptRates.set(pair, own);
          kept.push(keepRate(pair, AbortSignal.any([own.signal, stopping.signal])));
        }
        pairs = wanted;
      };
      watchRates(options.ratePairs);

      const quietly = createComplaint(logger, name);
      const stoppers = [
        repeat(async () => remaining.set(await account.budget.remaining()), BUDGET_EVERY_MS, quietly('cannot read the budget')),
      ];
      if (ledger) {
        const poll = async () => {
          watchRates([...new Set([...options.ratePairs, ...(await ratePairsInUse(ledger, name))])]);
          outflow.set(await recentOutflow(ledger, name, OUTFLOW_OVER_MS));
        };
        stoppers.push(repeat(poll, LEDGER_EVERY_MS, quietly('cannot read the ledger')));
      }
      return async () => {
        stopping.abort();
        await Promise.all([...stoppers.map((stop) => stop()), ...kept]);
      };
    },
  };
}

function notifyAll<T>(
  bound: (observed: T) => T,
  listeners: readonly ((observed: T) => void)[],
  keep: (observed: T) => void,
): (observed: T) => void {
  return (observed) => {
    const bounded = bound(observed);
    keep(bounded);
    for (const listener of listeners) listener(bounded);
  };
}

/** A value that is forgotten when it is not set again for too long. */
function createDated<T>(nowMs: () => number, maxAgeMs: number) {
  let value: { it: T; atMs: number } | undefined;
  return {
    set(it: T) {
      value = { it, atMs: nowMs() };
    },
    get: () => (value && nowMs() - value.atMs <= maxAgeMs ? value.it : undefined),
  };
}

/** Logs an error that repeats every second at most once a minute. */
function createComplaint(logger: Logger, account: string): (what: string) => (error: unknown) => void {
  return (what) => {
    let nextMs = Number.NEGATIVE_INFINITY;
    return (err) => {
      if (performance.now() < nextMs) return;
      nextMs = performance.now() + 60_000;
      logger.warn({ err, account }, what);
    };
  };
}

/** Failures of one kind share one line in the log, however often they come. */
function kindOf(error: unknown): string {
  if (error instanceof RejectedError) return `rejected ${error.status}`;
  return error instanceof KpayError ? error.code : String(error);
}
