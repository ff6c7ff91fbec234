import { assertCurrency, assertFields, assertNumber, assertSignal } from './arguments.ts';
import { type InnerCallOptions, MAX_TIMEOUT_MS } from './client/call-options.ts';
import type { CountryAvailability, ExchangeRate } from './client/endpoints.ts';
import { type BalanceMinor, type WalletBalance, walletBalance } from './client/wallet-balance.ts';
import { RejectedError } from './errors.ts';
import type { Currency } from './money/catalogue.ts';
import { assertLane, type Lane } from './stores/budget-store.ts';
import type { SharedEntry, SharedStore } from './stores/shared-store.ts';
import { createSharedValue, type SharedValue } from './stores/shared-value.ts';
import type { Urgency } from './stores/urgency.ts';
import { type Clock, systemClock } from './time/clock.ts';
import { isStillGood } from './time/still-good.ts';

/** What KPay said, frozen, and when. The truth lies between the two dates. */
export interface Observed<T> {
  /** What KPay answered; frozen, because all who ask share it. */
  value: T;
  /** When KPay was asked. */
  askedAt: Date;
  /** When its answer was read. */
  answeredAt: Date;
}

/** How fresh an observation must be, and how to wait for it. */
export interface ObserveOptions {
  /** The lane in which a read waits, if one is needed; `people` unless given. */
  lane?: Lane | undefined;
  /** How long ago KPay may have been asked; 0 asks again. The observation's own unless given. */
  maxAgeMs?: number | undefined;
  /** How long to wait for a place in the request budget, in milliseconds; the client's own unless given. */
  maxWaitMs?: number | undefined;
  /** Ends the wait of this caller with a KpayAbortError; a read that others wait for goes on. */
  signal?: AbortSignal | undefined;
}

/** What is observed. */
export type ObservationName = 'balance' | 'availability' | 'rate';

/** Why a read of an observation failed. */
export interface ObservationFailure {
  /** When it failed. */
  at: Date;
  /** A RejectedError or RetryableError. */
  error: Error;
}

/**
 * Shared, dated reads of KPay: however many ask, in however many processes, KPay is asked once in each maximum age.
 * A read that fails throws (RejectedError, RetryableError) to those who waited for it, and leaves the last value for `peek`.
 */
export interface Observations {
  /** The balance, at most 30 s old unless `maxAgeMs` says otherwise. */
  balance(options?: ObserveOptions): Promise<Observed<WalletBalance[]>>;
  /** The status of each operator, at most 60 s old unless `maxAgeMs` says otherwise. */
  availability(options?: ObserveOptions): Promise<Observed<CountryAvailability[]>>;
  /** The rate of a pair, at most 10 minutes old unless `maxAgeMs` says otherwise; KPay's own is up to an hour older. */
  rate(from: Currency, to: Currency, options?: ObserveOptions): Promise<Observed<ExchangeRate>>;
  /** The last balance whatever its age; KPay is not asked. */
  peekBalance(): Promise<Observed<WalletBalance[]> | undefined>;
  /** The last status of each operator whatever its age; KPay is not asked. */
  peekAvailability(): Promise<Observed<CountryAvailability[]> | undefined>;
  /** The last rate of a pair whatever its age; KPay is not asked. */
  peekRate(from: string, to: string): Promise<Observed<ExchangeRate> | undefined>;
  /** How old a value may be, unless whoever asks says otherwise. */
  maxAgeOf(observation: ObservationName): number;
  /** Why the last read of this process failed; undefined when it did not. `pair` is "XAF:XOF", for a rate. */
  lastFailure(observation: ObservationName, pair?: string): ObservationFailure | undefined;
}

/** What observations are read with. */
interface ObservedClient {
  balance(options: InnerCallOptions): Promise<WalletBalance[]>;
  availability(options: InnerCallOptions): Promise<CountryAvailability[]>;
  exchangeRate(from: string, to: string, options: InnerCallOptions): Promise<ExchangeRate>;
}

/** What observations are read with, and where they are kept. */
export interface ObservationsOptions {
  /** What asks KPay. */
  client: ObservedClient;
  /** Where processes share what was read. */
  store: SharedStore;
  /** Time; the machine's unless given. */
  clock?: Clock | undefined;
  /** Milliseconds that each may be old: balance 30,000, availability 60,000, rate 600,000 unless given. */
  maxAgeMs?: Partial<Record<ObservationName, number>> | undefined;
  /** How long a caller waits for a place in the budget unless it says so; without end unless given. */
  maxWaitMs?: number | undefined;
  /** Shown by `peek` while there is nothing newer: what was observed with the keys before. */
  earlier?: Observations | undefined;
}

const MAX_AGE_MS: Readonly<Record<ObservationName, number>> = { balance: 30_000, availability: 60_000, rate: 600_000 };
/** An old value is still worth showing with its date, for as long as somebody may look back. */
const KEEP_MS = 7 * 24 * 60 * 60_000;
/** After a failure whoever asks within this gets the same error: an outage must not eat the budget in failing reads. */
const FAILURE_MS = 1_000;
/** KPay's no to a pair of currencies is an answer: whoever asks on and on must not use up the budget of all. */
const REFUSAL_MS = 30_000;
/** What another process has read is noticed within this. Without it each judgement of a transfer would ask the store. */
const TRUST_MS = 1_000;
/** Anybody may ask for the rate of any two currencies; more pairs than this are not remembered. */
const MAX_VALUES = 200;

/** Observations of one account. `Kpay` has its own. */
export function createObservations(options: ObservationsOptions): Observations {
  const { client, store, clock = systemClock, maxAgeMs, maxWaitMs = Number.POSITIVE_INFINITY, earlier } = options;
  const maxAges = { ...MAX_AGE_MS, ...maxAgeMs };
  const watched = new Map<string, Watched>();

  /** What this process knows of one value. */
  interface Watched {
    shared: SharedValue;
    failure: ObservationFailure | undefined;
    /** Until when it is thrown again, by the monotonic clock. */
    failedUntilMs: number;
    /** What the last entry says: one read of KPay is one value, frozen, however many look at it. */
    decoded: { text: string; askedAtMs: number; value: unknown } | undefined;
  }

  function watch(key: string): Watched {
    const known = watched.get(key);
    if (known) return known;
    const [oldest] = watched.keys();
    if (watched.size >= MAX_VALUES && oldest !== undefined) watched.delete(oldest);
    const shared = createSharedValue({ store, key, clock, trustMs: TRUST_MS });
    const fresh = { shared, failure: undefined, failedUntilMs: Number.NEGATIVE_INFINITY, decoded: undefined };
    watched.set(key, fresh);
    return fresh;
  }

  async function observe<T>(
    observation: ObservationName,
    pair: string | null,
    ask: (urgency: Urgency) => Promise<T>,
    options: ObserveOptions,
  ): Promise<Observed<T>> {
    assertObserveOptions(options);
    const { lane = 'people' } = options;
    const value = watch(keyOf(observation, pair));
    const calledAtMs = clock.monotonicMs();
    const maxAge = options.maxAgeMs ?? maxAges[observation];
    const entry = await value.shared.get({
      // The age at the call counts: what was good enough then still is while this caller waits.
      isFresh: ({ askedAtMs }) =>
        isStillGood({ sinceMs: askedAtMs, forMs: maxAge + clock.monotonicMs() - calledAtMs }, clock.now()),
      refresh: async (urgency) => {
        if (value.failure && clock.monotonicMs() < value.failedUntilMs) throw value.failure.error;
        try {
          const text = encode(storable(await ask(urgency)));
          value.failure = undefined;
          return { text, keepMs: KEEP_MS };
        } catch (error) {
          const isRefusal = pair !== null && error instanceof RejectedError && (error.status === 400 || error.status === 404);
          value.failedUntilMs = clock.monotonicMs() + (isRefusal ? REFUSAL_MS : FAILURE_MS);
          value.failure = { at: new Date(clock.now()), error: error instanceof Error ? error : new Error(String(error)) };
          throw error;
        }
      },
      lane,
      signal: options.signal,
      leaveAfterMs: (options.maxWaitMs ?? maxWaitMs) + MAX_TIMEOUT_MS,
    });
    return observedOf<T>(observation, value, entry);
  }

  async function peek<T>(observation: ObservationName, pair: string | null): Promise<Observed<T> | undefined> {
    const value = watch(keyOf(observation, pair));
    const entry = await value.shared.peek();
    return entry && observedOf<T>(observation, value, entry);
  }

  function observedOf<T>(observation: ObservationName, of: Watched, { text, askedAtMs, answeredAtMs }: SharedEntry): Observed<T> {
    const known = of.decoded?.text === text && of.decoded.askedAtMs === askedAtMs ? of.decoded : undefined;
    const decoded = known ?? { text, askedAtMs, value: observation === 'balance' ? balanceOf(decode(text)) : decode(text) };
    of.decoded = decoded;
    return { value: decoded.value as T, askedAt: new Date(askedAtMs), answeredAt: new Date(answeredAtMs) };
  }

  return {
    balance: async (options = {}) => observe('balance', null, (urgency) => client.balance({ urgency }), options),
    availability: async (options = {}) => observe('availability', null, (urgency) => client.availability({ urgency }), options),
    async rate(from, to, options = {}) {
      const pair = pairOf(from, to);
      return observe('rate', pair, (urgency) => client.exchangeRate(from, to, { urgency }), options);
    },
    peekBalance: async () => (await peek<WalletBalance[]>('balance', null)) ?? earlier?.peekBalance(),
    peekAvailability: async () => (await peek<CountryAvailability[]>('availability', null)) ?? earlier?.peekAvailability(),
    peekRate: async (from, to) => (await peek<ExchangeRate>('rate', pairOf(from, to))) ?? earlier?.peekRate(from, to),
    maxAgeOf: (observation) => maxAges[observation],
    lastFailure: (observation, pair) => watched.get(keyOf(observation, pair ?? null))?.failure,
  };
}

const OBSERVE_FIELDS: ReadonlySet<string> = new Set(['lane', 'maxAgeMs', 'maxWaitMs', 'signal']);

/** @throws InvalidArgumentError for what a caller in JavaScript can get wrong. */
function assertObserveOptions(options: unknown): asserts options is ObserveOptions {
  assertFields('options', options, OBSERVE_FIELDS);
  const { lane, maxAgeMs, maxWaitMs, signal } = options as Record<string, unknown>;
  if (lane !== undefined) assertLane(lane);
  if (maxAgeMs !== undefined) assertNumber('options.maxAgeMs', maxAgeMs, 0, Number.POSITIVE_INFINITY);
  if (maxWaitMs !== undefined) assertNumber('options.maxWaitMs', maxWaitMs, 0, Number.POSITIVE_INFINITY);
  if (signal !== undefined) assertSignal('options.signal', signal);
}

function pairOf(from: unknown, to: unknown): string {
  assertCurrency('from', from);
  assertCurrency('to', to);
  return `${from}:${to}`;
}

function keyOf(observation: ObservationName, pair: string | null): string {
  return pair === null ? observation : `${observation}:${pair}`;
}

/** A balance is kept by its figures, as processes of every version read it. */
function storable(value: unknown): unknown {
  const isBalance = (row: unknown): row is WalletBalance => typeof row === 'object' && row !== null && 'availableBalance' in row;
  if (!Array.isArray(value) || !value.every(isBalance)) return value;
  return value.map(({ currency, known, balanceMinor, reservedMinor, availableMinor }) => ({
    currency,
    known,
    balanceMinor,
    reservedMinor,
    availableMinor,
  }));
}

function balanceOf(rows: unknown): readonly WalletBalance[] {
  const kept = rows as readonly ({ currency: string } & BalanceMinor)[];
  return Object.freeze(kept.map(({ currency, ...figures }) => Object.freeze(walletBalance(currency, figures))));
}

// Stores keep text. JSON has no bigint, so one travels as an object no answer of KPay's is made into.
function encode(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? { $bigint: part.toString() } : part));
}

function decode(text: string): unknown {
  return JSON.parse(text, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null) return part;
    return '$bigint' in part ? BigInt(String(part.$bigint)) : Object.freeze(part);
  });
}
