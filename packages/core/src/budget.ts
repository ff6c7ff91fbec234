import { assertFields, assertNumber, assertSignal, assertText, kindOf } from './arguments.ts';
import { abortedBy, InvalidArgumentError, RetryableError } from './errors.ts';
import {
  ASKED_AGAIN_MS,
  assertLane,
  type BudgetRules,
  type BudgetStore,
  type Lane,
  LONGEST_BLOCK_MS,
  lanes,
  type SentBefore,
  type SlotEnd,
} from './stores/budget-store.ts';
import type { Urgency } from './stores/urgency.ts';
import type { Clock } from './time/clock.ts';

/**
 * The right to send one request. Settle it once; later calls do nothing. Settling neither waits nor fails, so that
 * a store out of reach cannot hold up what KPay answered: a slot it never hears of counts for longer, not shorter.
 */
export interface BudgetSlot {
  /** Names the request that is sent with it as a seed would, so that it is counted once. */
  sentAs(attempt: string): void;
  /** By the monotonic clock: a request must be over by then, because afterwards the slot is given to others. */
  readonly leaseExpiresAtMs: number;
  /** KPay answered. */
  answered(): void;
  /** KPay answered 429: everybody waits for `retryAfterMs`, else for 1, 2, 4 s and so on. Tells how long. */
  rateLimited(retryAfterMs: number | undefined): number;
  /** It was written, and given up without an answer. */
  unanswered(): void;
  /** Nothing was written: the slot is free for others at once. */
  unsent(): void;
}

/** How to wait for a slot. */
export interface TakeOptions {
  /** Ends the wait with a KpayAbortError. */
  signal?: AbortSignal | undefined;
  /** How long to wait for a slot at most; for ever unless given. */
  maxWaitMs?: number | undefined;
  /** Lets the wait go on in more lanes than one. */
  urgency?: Urgency | undefined;
}

/** What KPay allows one API key in a minute, as one process's share of what all of them use. */
export interface Budget {
  /**
   * Waits for a slot, first come first served within a lane.
   * @throws RetryableError `no_budget` when none is free within `maxWaitMs` (as soon as that is sure) or the store fails.
   * @throws KpayAbortError when the signal ends the wait.
   */
  take(lane: Lane, options?: TakeOptions): Promise<BudgetSlot>;
  /** Requests that may still be sent in the present window, by all processes together; a block after a 429 does not count. */
  remaining(): Promise<number>;
  /** Stops every process for `forMs`. */
  block(forMs: number): Promise<void>;
  /** Counts requests that were sent before, for a store that has forgotten them or never knew. */
  seed(sent: readonly SentBefore[]): Promise<void>;
}

/** How `createBudget` makes a budget. */
export interface BudgetOptions {
  /** Where all processes count. */
  store: BudgetStore;
  /** Time. */
  clock: Clock;
  /** Requests KPay allows in a window. */
  limit: number;
  /** Milliseconds; KPay's window is a minute. */
  windowMs: number;
}

// Three times the longest call, so that a slot is never given away under a request on its way (law 1).
const LEASE_MS = 60_000;
const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 60_000;

const FULL_RESERVES: Readonly<Record<Lane, number>> = { money: 0, checks: 4, people: 2, metrics: 4 };
/** From this limit on the reserves are full: they then keep half of the budget at most. */
const FULL_RESERVES_FROM = 20;

/**
 * The slots each lane keeps: checks 4, people 2, metrics 4, money none. A limit below 20 scales them down in
 * proportion, to one at least while one is left for money: of a limit of 3 checks and people have one each, of 2
 * checks have one, of 1 nobody has any and everybody takes turns.
 */
export function reservesFor(limit: number): Readonly<Record<Lane, number>> {
  const reserves: Record<Lane, number> = { money: 0, checks: 0, people: 0, metrics: 0 };
  const factor = Math.min(1, limit / FULL_RESERVES_FROM);
  let left = limit - 1;
  for (const lane of lanes) {
    if (FULL_RESERVES[lane] === 0) continue;
    reserves[lane] = Math.min(left, Math.max(1, Math.floor(FULL_RESERVES[lane] * factor)));
    left -= reserves[lane];
  }
  return reserves;
}

/** Whoever has a few transfers does not want them spread over seconds. At least that many, else a quarter of the limit. */
const MIN_BURST = 10;
/** Above this limit nothing is paced: it would cost more than it is worth where slots come free many times a second. */
const PACED_UP_TO = 1_000;

/** Fast enough that what a busy machine has missed is made up for, slow enough that a few places stay free for others. */
const PACE = 0.7;

/** The rules of a budget whose limit is KPay's. Redis counts in whole milliseconds, so all processes do. */
export function budgetRules({ limit, windowMs: givenMs }: Pick<BudgetOptions, 'limit' | 'windowMs'>): BudgetRules {
  const windowMs = Math.ceil(givenMs);
  const reserves = reservesFor(limit);
  return {
    limit,
    windowMs,
    leaseMs: LEASE_MS,
    reserves,
    burst: limit > PACED_UP_TO ? limit : Math.max(MIN_BURST, Math.floor(limit / 4)),
    pace: PACE,
    catchUpMs: windowMs / 30,
    interactiveShare: Math.floor(limit / 4),
  };
}

interface Waiter {
  /** Whichever gives a slot first. */
  readonly lanes: readonly Lane[];
  deadlineMs: number;
  grant(slot: BudgetSlot): void;
  refuse(error: RetryableError): void;
}

/** One process's share in a budget that `store` keeps for all. */
export function createBudget({ store, clock, limit, windowMs }: BudgetOptions): Budget {
  const rules = budgetRules({ limit, windowMs });
  // In order of arrival: the oldest is asked for first, so no lane starves whatever the others take.
  const waiters: Waiter[] = [];
  let pumping = false;
  // Whether something happened that a nap must not sleep through.
  let changed = false;
  let nap: AbortController | undefined;
  let backoffMs = FIRST_BACKOFF_MS;
  let blockedUntilMs = Number.NEGATIVE_INFINITY;

  async function pump(): Promise<void> {
    if (pumping) return;
    pumping = true;
    try {
      while (waiters.length > 0) {
        changed = false;
        const waitMs = await serveOnce();
        if (waitMs > 0 && !changed) await sleepUntilChange(waitMs);
      }
    } catch (error) {
      // Without the store nobody can tell what others have sent, so nothing is sent.
      const failed = new RetryableError('the request budget cannot be read', { reason: 'no_budget', cause: error });
      for (const waiter of waiters.splice(0)) waiter.refuse(failed);
    } finally {
      pumping = false;
    }
  }

  async function sleepUntilChange(waitMs: number): Promise<void> {
    nap = new AbortController();
    await clock.sleep(waitMs, nap.signal).catch(() => {});
    nap = undefined;
  }

  function wake(): void {
    changed = true;
    nap?.abort();
  }

  /** Serves one waiter, or tells how long nothing can change. */
  async function serveOnce(): Promise<number> {
    // A slot that another process gives back is seen after this at the latest.
    let soonestMs = ASKED_AGAIN_MS;
    for (const lane of lanesByAge()) {
      const askedAtMs = clock.monotonicMs();
      const take = await store.take(lane, rules);
      if (take.granted) {
        const slot = slotOf(take.slotId, askedAtMs + LEASE_MS);
        const index = waiters.findIndex((waiter) => waiter.lanes.includes(lane));
        const [waiter] = index === -1 ? [] : waiters.splice(index, 1);
        // Whoever asked may have left while the store was answering.
        if (waiter) waiter.grant(slot);
        else slot.unsent();
        return 0;
      }
      refuseImpatient(lane, take.waitMs);
      soonestMs = Math.min(soonestMs, Math.max(1, take.waitMs));
    }
    const nowMs = clock.monotonicMs();
    return waiters.reduce((soonest, waiter) => Math.min(soonest, Math.max(1, waiter.deadlineMs - nowMs)), soonestMs);
  }

  function lanesByAge(): Lane[] {
    return [...new Set(waiters.flatMap((waiter) => waiter.lanes))];
  }

  function refuseImpatient(lane: Lane, waitMs: number): void {
    const readyMs = clock.monotonicMs() + waitMs;
    for (const waiter of waiters.filter((each) => each.lanes.includes(lane) && each.deadlineMs < readyMs)) {
      remove(waiter);
      waiter.refuse(
        new RetryableError('no request may be sent to KPay now', { reason: 'no_budget', retryAfterMs: Math.ceil(waitMs) }),
      );
    }
  }

  function remove(waiter: Waiter): void {
    const index = waiters.indexOf(waiter);
    if (index !== -1) waiters.splice(index, 1);
  }

  async function block(forMs: number): Promise<void> {
    blockedUntilMs = Math.max(blockedUntilMs, clock.monotonicMs() + forMs);
    await store.block(forMs);
  }

  function slotOf(slotId: string, leaseExpiresAtMs: number): BudgetSlot {
    let settled = false;
    let attempt: string | undefined;
    function settle(end: SlotEnd): void {
      if (settled) return;
      settled = true;
      store
        .settle(slotId, end, rules, attempt)
        .then(() => end === 'unsent' && wake())
        .catch(() => {});
    }
    function rateLimited(retryAfterMs: number | undefined): number {
      const nowMs = clock.monotonicMs();
      // Several 429 of one burst are one: only the first after a block makes the next one longer.
      const isNew = nowMs >= blockedUntilMs;
      const ownMs = isNew ? backoffMs : blockedUntilMs - nowMs;
      // No wait at all is no answer to the question how long to wait.
      const waitMs = retryAfterMs !== undefined && retryAfterMs > 0 ? Math.min(retryAfterMs, LONGEST_BLOCK_MS) : ownMs;
      if (isNew) backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS);
      block(waitMs).catch(() => {});
      settle('answered');
      return waitMs;
    }
    return {
      leaseExpiresAtMs,
      sentAs(name) {
        attempt = name;
      },
      answered() {
        if (clock.monotonicMs() >= blockedUntilMs) backoffMs = FIRST_BACKOFF_MS;
        settle('answered');
      },
      rateLimited,
      unanswered: () => settle('unanswered'),
      unsent: () => settle('unsent'),
    };
  }

  return {
    take(lane, options = {}) {
      return new Promise((resolve, reject) => {
        assertLane(lane);
        assertTakeOptions(options);
        const { signal, maxWaitMs = Number.POSITIVE_INFINITY, urgency } = options;
        if (signal?.aborted) return reject(abortedBy(signal));
        const leave = (): void => {
          end();
          remove(waiter);
          // So that the pump does not outlive its last waiter.
          wake();
          reject(abortedBy(signal));
        };
        const stopListening = urgency?.onJoin(wake);
        const end = (): void => {
          signal?.removeEventListener('abort', leave);
          stopListening?.();
        };
        const waiter: Waiter = {
          get lanes() {
            return urgency?.lanes ?? [lane];
          },
          deadlineMs: clock.monotonicMs() + maxWaitMs,
          grant(slot) {
            end();
            resolve(slot);
          },
          refuse(error) {
            end();
            reject(error);
          },
        };
        signal?.addEventListener('abort', leave, { once: true });
        waiters.push(waiter);
        wake();
        void pump();
      });
    },
    async remaining() {
      return Math.max(0, limit - (await store.used()));
    },
    async block(forMs) {
      assertNumber('forMs', forMs, 0, Number.POSITIVE_INFINITY);
      return block(forMs);
    },
    async seed(sent) {
      assertSent(sent);
      return store.seed(sent, rules);
    },
  };
}

const TAKE_FIELDS: ReadonlySet<string> = new Set(['signal', 'maxWaitMs', 'urgency']);
const SENT_FIELDS: ReadonlySet<string> = new Set(['attempt', 'ageMs']);

/** @throws InvalidArgumentError for what a caller in JavaScript can get wrong. */
function assertTakeOptions(options: unknown): asserts options is TakeOptions {
  assertFields('options', options, TAKE_FIELDS);
  const { signal, maxWaitMs } = options as Record<string, unknown>;
  if (signal !== undefined) assertSignal('options.signal', signal);
  if (maxWaitMs !== undefined) assertNumber('options.maxWaitMs', maxWaitMs, 0, Number.POSITIVE_INFINITY);
}

function assertSent(sent: unknown): asserts sent is readonly SentBefore[] {
  if (!Array.isArray(sent)) throw new InvalidArgumentError('sent', `must be an array, not ${kindOf(sent)}`);
  for (const [index, each] of sent.entries()) {
    assertFields(`sent[${index}]`, each, SENT_FIELDS);
    const { attempt, ageMs } = each as Record<string, unknown>;
    assertText(`sent[${index}].attempt`, attempt, 1_000);
    if (typeof ageMs !== 'number' || Number.isNaN(ageMs))
      throw new InvalidArgumentError(`sent[${index}].ageMs`, 'must be a number');
  }
}
