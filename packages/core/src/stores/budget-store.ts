import { InvalidArgumentError } from '../errors.ts';
import type { Clock } from '../time/clock.ts';

/**
 * Whom a request is for. `money`: transfers. `checks`: reads that transfers wait for. `people`: somebody is waiting.
 * `metrics`: what is read again and again.
 */
export type Lane = 'money' | 'checks' | 'people' | 'metrics';

/** The lanes, the most urgent first. */
export const lanes: readonly Lane[] = ['money', 'checks', 'people', 'metrics'];

/**
 * Checks a lane from a caller in JavaScript, whom types do not stop. A slot of an unknown lane would count in no lane.
 * @throws InvalidArgumentError when `lane` is not one of the lanes.
 */
export function assertLane(lane: unknown): asserts lane is Lane {
  if (!lanes.some((each) => each === lane)) throw new InvalidArgumentError('lane', `must be one of ${lanes.join(', ')}`);
}

/** The rules a slot is given by. They come with every take, so that a store keeps nothing but slots. */
export interface BudgetRules {
  /** Requests that KPay may receive in any window of `windowMs`. */
  limit: number;
  /** Milliseconds; KPay's window is a minute. */
  windowMs: number;
  /** How long a slot is held for a request under way; then it counts for one more window. */
  leaseMs: number;
  /** Slots kept for each lane. Their sum must not pass `limit`. */
  reserves: Readonly<Record<Lane, number>>;
  /** While fewer slots than this are in use, they are given as fast as anybody asks. */
  burst: number;
  /**
   * From then on those beyond the reserves are given one by one, in this share of the time for which they would last until
   * more come free. Given all at once they would also come free all at once, and until then nobody could be served who has
   * used up a reserve.
   */
  pace: number;
  /** How long nobody may have asked for slots that were due, and they are still given, at once. */
  catchUpMs: number;
  /** A person does not wait for the pace, and gets the next slot that comes free, while people use fewer than this. */
  interactiveShare: number;
}

/** A request that was sent `ageMs` ago, under a name that is the same in every process. */
export interface SentBefore {
  /** The name of the attempt, the same in every process. */
  attempt: string;
  /** Milliseconds since it was sent. */
  ageMs: number;
}

/** The answer of a store to whoever asks for a slot. */
export type Take =
  | {
      /** Whether a slot is given. */
      granted: true;
      /** By which the slot is settled. */
      slotId: string;
    }
  | {
      /** Whether a slot is given. */
      granted: false;
      /** Milliseconds until asking again can help. */
      waitMs: number;
    };

/**
 * How a request ended. `answered`: it counts for a window from now. `unanswered`: given up, so KPay may still
 * receive it; it counts a few seconds longer. `unsent`: nothing was written, it never counted.
 */
export type SlotEnd = 'answered' | 'unanswered' | 'unsent';

/**
 * The part of the budget that all processes share. Each method is one atomic step by the store's own clock (one
 * script in Redis): what two processes see of each other is only here.
 */
export interface BudgetStore {
  /** Gives a slot of the lane, or says how long none can be given. */
  take(lane: Lane, rules: BudgetRules): Promise<Take>;
  /**
   * Settling a slot twice, or one the store no longer knows, does nothing. `attempt` is what a seed would call this request:
   * it then counts once.
   */
  settle(slotId: string, end: SlotEnd, rules: BudgetRules, attempt?: string): Promise<void>;
  /** Gives no slot to anybody for `forMs`; a shorter block never cuts a longer one. */
  block(forMs: number): Promise<void>;
  /** How many slots count now, of all lanes. */
  used(): Promise<number>;
  /** Counts requests of the money lane of which a durable record is left, but for those that the store knows by attempt. */
  seed(sent: readonly SentBefore[], rules: BudgetRules): Promise<void>;
}

/** KPay's clock and ours tick alike but round differently; this keeps a slot from being free too early. */
export const ROUNDING_MS = 10;
/** A request we gave up on can reach KPay late: nothing on the way holds one much longer than this. */
export const LATE_RECEIPT_MS = 5_000;

/** A broken Retry-After must not stop an account for days. */
export const LONGEST_BLOCK_MS = 15 * 60_000;

/** Whoever waits for a slot asks again within this. */
export const ASKED_AGAIN_MS = 1_000;
/** How late a person who waits may ask again and still find the slot that was kept. */
export const LATE_PERSON_MS = 250;

/**
 * The lane rule: how many slots each lane uses now decides whether `lane` may take one more. While `interactiveWaiting` one is
 * kept for people beyond their reserve.
 */
export function mayTake(
  lane: Lane,
  used: Readonly<Record<Lane, number>>,
  { limit, reserves, interactiveShare }: BudgetRules,
  interactiveWaiting: boolean,
): boolean {
  const inUse = lanes.reduce((sum, each) => sum + used[each], 0);
  if (inUse >= limit) return false;
  if (used[lane] < reserves[lane]) return true;
  const kept = (each: Lane): number => {
    const next = each === 'people' && interactiveWaiting && used.people < interactiveShare ? 1 : 0;
    return Math.max(next, reserves[each] - used[each]);
  };
  const keptForOthers = lanes.reduce((sum, each) => (each === lane ? sum : sum + kept(each)), 0);
  return inUse + keptForOthers < limit;
}

/** Apart from the ids of slots. */
function nameOf(attempt: string): string {
  return `attempt ${attempt}`;
}

interface Slot {
  lane: Lane;
  /** It stops counting then, if nothing settles it before. */
  countsUntilMs: number;
}

/** A budget for one process, forgotten when it ends. What a call costs does not grow with the slots in use. */
export function createMemoryBudgetStore({ clock }: { clock: Clock }): BudgetStore {
  // Each in the order in which they stop counting, because those of one kind count equally long; the held ones are
  // those whose request is under way.
  const held = new Map<string, Slot>();
  const answered = new Map<string, Slot>();
  const unanswered = new Map<string, Slot>();
  const seeded = new Map<string, Slot>();
  const used: Record<Lane, number> = { money: 0, checks: 0, people: 0, metrics: 0 };
  let blockedUntilMs = Number.NEGATIVE_INFINITY;
  /** When the next slot beyond the reserves is due. */
  let paceAtMs = Number.NEGATIVE_INFINITY;
  let personWaitsUntilMs = Number.NEGATIVE_INFINITY;
  let taken = 0;

  function add(slots: Map<string, Slot>, id: string, slot: Slot): void {
    slots.set(id, slot);
    used[slot.lane] += 1;
  }

  function remove(slots: Map<string, Slot>, id: string, slot: Slot): void {
    slots.delete(id);
    used[slot.lane] -= 1;
  }

  function forgetOld(nowMs: number): void {
    for (const slots of [held, answered, unanswered, seeded]) {
      for (const [id, slot] of slots) {
        if (slot.countsUntilMs > nowMs) break;
        remove(slots, id, slot);
      }
    }
  }

  function count(): number {
    return held.size + answered.size + unanswered.size + seeded.size;
  }

  /** When each slot is free at the earliest: a held one may be answered in this moment and then counts for a window. */
  function endsOf(rules: BudgetRules, nowMs: number): Array<{ lane: Lane; freeMs: number }> {
    const heldUntilMs = nowMs + rules.windowMs + ROUNDING_MS;
    return [
      ...[...held.values()].map((slot) => ({ lane: slot.lane, freeMs: Math.min(slot.countsUntilMs, heldUntilMs) })),
      ...[...answered.values(), ...unanswered.values(), ...seeded.values()].map((slot) => ({
        lane: slot.lane,
        freeMs: slot.countsUntilMs,
      })),
    ].sort((a, b) => a.freeMs - b.freeMs);
  }

  /** When `lane` could be served at the earliest, if nobody else takes a slot before. */
  function earliestMs(lane: Lane, rules: BudgetRules, nowMs: number): number {
    const left = { ...used };
    for (const end of endsOf(rules, nowMs)) {
      left[end.lane] -= 1;
      if (mayTake(lane, left, rules, personWaitsUntilMs > nowMs)) return end.freeMs;
    }
    return nowMs + rules.windowMs;
  }

  /** How long after a slot beyond the reserves the next one is due. */
  function paceMs(rules: BudgetRules, nowMs: number): number {
    const { limit, windowMs, reserves, pace } = rules;
    const left = { ...used };
    let free = lanes.reduce((sum, lane) => sum - Math.max(reserves[lane], used[lane]), limit);
    let apartMs = 0;
    // What is free must last until each of those under way is free as well.
    for (const { lane, freeMs } of endsOf(rules, nowMs)) {
      if (left[lane] > reserves[lane]) {
        apartMs = Math.max(apartMs, (freeMs - nowMs) / Math.max(1, free));
        free += 1;
      }
      left[lane] -= 1;
    }
    return pace * Math.max(apartMs, windowMs / Math.max(1, free));
  }

  return {
    async take(lane, rules) {
      assertLane(lane);
      const nowMs = clock.monotonicMs();
      forgetOld(nowMs);
      const blockedForMs = blockedUntilMs - nowMs;
      if (blockedForMs > 0) return { granted: false, waitMs: blockedForMs };
      const paced = count() >= rules.burst && used[lane] >= rules.reserves[lane];
      const first = lane === 'people' && used.people < rules.interactiveShare;
      if (paced && !first && paceAtMs > nowMs) return { granted: false, waitMs: paceAtMs - nowMs };
      if (!mayTake(lane, used, rules, personWaitsUntilMs > nowMs)) {
        const waitMs = earliestMs(lane, rules, nowMs) - nowMs;
        const askedAgainMs = nowMs + Math.min(waitMs, ASKED_AGAIN_MS);
        if (lane === 'people') personWaitsUntilMs = Math.max(personWaitsUntilMs, askedAgainMs + LATE_PERSON_MS);
        return { granted: false, waitMs };
      }
      if (paced) {
        // Never further ahead than a slot can be: all that is in use now has come free by then.
        const mostMs = nowMs + rules.windowMs + LATE_RECEIPT_MS;
        paceAtMs = Math.min(Math.max(paceAtMs, nowMs - rules.catchUpMs) + paceMs(rules, nowMs), mostMs);
      }
      taken += 1;
      const slotId = String(taken);
      add(held, slotId, { lane, countsUntilMs: nowMs + rules.leaseMs + rules.windowMs + ROUNDING_MS });
      return { granted: true, slotId };
    },
    async settle(slotId, end, rules, attempt) {
      const slot = held.get(slotId);
      if (!slot) return;
      remove(held, slotId, slot);
      if (end === 'unsent') return;
      const id = attempt === undefined ? slotId : nameOf(attempt);
      for (const slots of [answered, unanswered, seeded]) {
        const before = slots.get(id);
        if (before) remove(slots, id, before);
      }
      const untilMs = clock.monotonicMs() + rules.windowMs;
      if (end === 'answered') add(answered, id, { lane: slot.lane, countsUntilMs: untilMs + ROUNDING_MS });
      else add(unanswered, id, { lane: slot.lane, countsUntilMs: untilMs + LATE_RECEIPT_MS });
    },
    async block(forMs) {
      blockedUntilMs = Math.max(blockedUntilMs, clock.monotonicMs() + forMs);
    },
    async used() {
      forgetOld(clock.monotonicMs());
      return count();
    },
    async seed(sent, rules) {
      const nowMs = clock.monotonicMs();
      forgetOld(nowMs);
      for (const { attempt, ageMs } of sent) {
        const id = nameOf(attempt);
        const countsUntilMs = nowMs - Math.max(0, ageMs) + rules.windowMs + LATE_RECEIPT_MS;
        if (countsUntilMs <= nowMs || [answered, unanswered, seeded].some((slots) => slots.has(id))) continue;
        add(seeded, id, { lane: 'money', countsUntilMs });
      }
      const inOrder = [...seeded].sort(([, a], [, b]) => a.countsUntilMs - b.countsUntilMs);
      seeded.clear();
      for (const [id, slot] of inOrder) seeded.set(id, slot);
    },
  };
}
