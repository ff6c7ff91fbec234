import { type ObservationName, type Observed, type ObserveOptions, Rejected, Retryable } from '@kpay/core';
import type { Logger } from '@kpay/runtime';
import type { AccountView } from './account-view.ts';
import { keepFresh } from './keep-fresh.ts';
import type { UnknownValues } from './unknown-values.ts';

export interface ObserveAccountOptions {
  view: AccountView;
  everyMs: Readonly<Record<ObservationName, number>>;
  unknownValues: UnknownValues;
  /** Told of every read that failed. */
  onFailure(observation: ObservationName): void;
  logger: Logger;
  signal: AbortSignal;
}

export interface AccountObserver {
  /** Whether the latest read of the balance or of the availability failed. */
  lastReadsFailed(): boolean;
  /** Settles after the signal has aborted. */
  stopped: Promise<unknown>;
}

/** Keeps the balance, the availability and the watched rates of an account fresh. */
export function observeAccount(options: ObserveAccountOptions): AccountObserver {
  const { view, everyMs, unknownValues, onFailure, logger, signal } = options;
  const { account, ratePairs } = view;
  const { observations, clock, name } = account;
  /** What is wrong with a read, while it is. */
  const troubles = new Map<string, string>();

  function keep<T>(
    observation: ObservationName,
    pair: string | null,
    read: (options: ObserveOptions) => Promise<Observed<T>>,
    onNew: (value: T) => void = () => {},
  ): Promise<void> {
    const key = pair ?? observation;
    const about = { account: name, observation, ...(pair === null ? {} : { pair }) };
    let newest: number | undefined;
    return keepFresh({
      read,
      everyMs: everyMs[observation],
      clock,
      signal,
      random: Math.random,
      onAnswer({ value, askedAt }) {
        if (troubles.delete(key)) logger.info(about, 'KPay answers again');
        if (newest === askedAt.getTime()) return;
        newest = askedAt.getTime();
        onNew(value);
      },
      onFailure(error) {
        onFailure(observation);
        const trouble = kindOf(error);
        if (troubles.get(key) === trouble) return;
        troubles.set(key, trouble);
        logger.warn({ ...about, err: error }, 'KPay could not be observed; its series vanish unless that changes');
      },
    });
  }

  const loops = [
    keep('balance', null, observations.balance, (rows) => unknownValues.inBalance(name, rows)),
    keep('availability', null, observations.availability, (countries) => unknownValues.inAvailability(name, countries)),
    ...ratePairs.map(({ from, to }) => keep('rate', `${from}:${to}`, (how) => observations.rate(from, to, how))),
  ];
  return {
    lastReadsFailed: () => troubles.has('balance') || troubles.has('availability'),
    stopped: Promise.all(loops),
  };
}

/** Two failures of one kind are one line in the log, however often they come. */
function kindOf(error: unknown): string {
  if (error instanceof Retryable) return error.reason;
  return error instanceof Rejected ? `rejected ${error.status}` : String(error);
}
