import { repeat } from '@kpay/runtime';
import { findStopped, type Ledger, type TransferRow } from '@kpay/transfers';

/** Longer than a transfer takes that nothing keeps waiting. */
const STAY_MS = 10_000;
/** What another process ended is noticed so late. */
const LOOK_EVERY_MS = 250;

/**
 * Where callers' jobs wait for the end of their transfers: in this process, so that one which ends at once is answered
 * without a way through the queue and back. It holds so many and never keeps anybody from the door: whoever finds no
 * place, or stays too long, waits in the queue. What is lost with the process is found by the next one, as any job is.
 */
export interface WaitingRoom {
  /** Lets a job wait for a transfer's end. Undefined: go and wait in the queue. */
  wait(transferId: string, jobId: string | undefined): Promise<TransferRow | undefined>;
  /** Tells what became of a transfer; one that is held or unconfirmed is not waited for here. @returns whether its job was here. */
  tell(transfer: TransferRow): boolean;
  /**
   * Whether a transfer's end was told in the last seconds, when its job was not here. A job that goes into the queue asks once
   * it is there: on its way nobody could wake it.
   */
  hasJustEnded(transferId: string): boolean;
  /** Sends everybody into the queue. */
  close(): Promise<void>;
}

interface Waiter {
  jobId: string | undefined;
  sinceMs: number;
  leave(transfer: TransferRow | undefined): void;
}

/** Whether its end can be near: nothing keeps it waiting. */
export function isNearItsEnd({ state }: TransferRow): boolean {
  return state === 'queued' || state === 'submitting';
}

// Always, so that the first of many have where to wait.
const LEAST_PLACES = 50;
/**
 * Of so many who come in while nobody leaves the next one is sent on: whoever lets them in (account-service.ts) lets others in
 * only when somebody leaves.
 */
export const COME_IN_AT_ONCE = 50;
const PACE_OVER_MS = 1_000;
/** So long after somebody stayed in vain the places follow the pace. */
const SLOW_FOR_MS = 30_000;
/** Longer than a job is on its way into the queue. */
const REMEMBER_MS = 10_000;

export interface WaitingRoomOptions {
  ledger: Ledger;
  /**
   * There are no more than this. Once somebody stayed in vain there are for half a minute only as many as would see their
   * transfer's end at the pace of the last second: the others go into the queue at once.
   */
  mostPlaces: number;
  /** Told how many wait whenever that changes. */
  onTaken: (taken: number) => void;
  onError: (error: unknown) => void;
}

export function openWaitingRoom({ ledger, mostPlaces, onTaken, onError }: WaitingRoomOptions): WaitingRoom {
  // In the order in which they came. Several jobs can wait for one transfer.
  const waiters = new Map<string, Set<Waiter>>();
  // When the latest ones left because of an end.
  let ends: number[] = [];
  // The ends that were told when no job of theirs was here, the oldest first, and when.
  const missed = new Map<string, number>();
  let taken = 0;
  let cameIn = 0;
  let slowUntilMs = Number.NEGATIVE_INFINITY;
  let closed = false;

  function comeIn(): void {
    cameIn += 1;
    taken += 1;
    onTaken(taken);
  }

  function leave(): void {
    cameIn = 0;
    taken -= 1;
    onTaken(taken);
  }

  function forgetMissed(): void {
    const sinceMs = performance.now() - REMEMBER_MS;
    for (const [id, toldMs] of missed) {
      if (toldMs > sinceMs) return;
      missed.delete(id);
    }
  }

  function places(): number {
    const nowMs = performance.now();
    const forgotten = ends.findIndex((endMs) => endMs > nowMs - PACE_OVER_MS);
    ends = forgotten === -1 ? [] : ends.slice(forgotten);
    if (nowMs >= slowUntilMs) return mostPlaces;
    return Math.min(mostPlaces, Math.max(LEAST_PLACES, (ends.length * STAY_MS) / PACE_OVER_MS));
  }

  function dismiss(transferId: string, transfer: TransferRow | undefined): boolean {
    const leaving = waiters.get(transferId);
    waiters.delete(transferId);
    for (const waiter of leaving ?? []) waiter.leave(transfer);
    if (leaving && transfer?.finished_at) ends.push(performance.now());
    return [...(leaving ?? [])].some(({ jobId }) => jobId === transfer?.job_id);
  }

  async function look(): Promise<void> {
    forgetMissed();
    const nowMs = performance.now();
    const old = [...waiters].filter(([, each]) => [...each].some(({ sinceMs }) => nowMs - sinceMs >= LOOK_EVERY_MS));
    if (old.length === 0) return;
    for (const transfer of await findStopped(
      ledger,
      old.map(([id]) => id),
    ))
      dismiss(transfer.id, transfer);
    for (const [id, each] of old) {
      if (![...each].some(({ sinceMs }) => nowMs - sinceMs >= STAY_MS)) continue;
      slowUntilMs = nowMs + SLOW_FOR_MS;
      dismiss(id, undefined);
    }
  }
  const stopLooking = repeat(look, LOOK_EVERY_MS, onError);

  return {
    async wait(transferId, jobId) {
      if (closed || taken >= places() || cameIn >= COME_IN_AT_ONCE) {
        cameIn = 0;
        return undefined;
      }
      const { promise, resolve } = Promise.withResolvers<TransferRow | undefined>();
      const others = waiters.get(transferId) ?? new Set<Waiter>();
      waiters.set(transferId, others.add({ jobId, sinceMs: performance.now(), leave: resolve }));
      comeIn();
      return promise.finally(leave);
    },
    tell(transfer) {
      if (isNearItsEnd(transfer)) return false;
      if (dismiss(transfer.id, transfer)) return true;
      if (transfer.finished_at && transfer.job_id !== null) missed.set(transfer.id, performance.now());
      return false;
    },
    hasJustEnded: (transferId) => missed.has(transferId),
    async close() {
      closed = true;
      await stopLooking();
      for (const id of [...waiters.keys()]) dismiss(id, undefined);
    },
  };
}
