import type { SharedEntry, SharedStore } from '../stores/shared-store.ts';
import { createSharedValue, type GetOptions } from '../stores/shared-value.ts';
import type { Urgency } from '../stores/urgency.ts';
import type { Clock } from '../time/clock.ts';
import { isStillGood } from '../time/still-good.ts';
import type { GrantedToken } from './endpoints.ts';

export interface TokenSourceOptions {
  store: SharedStore;
  clock: Clock;
  /** Asks KPay for a token, with a budget slot of that lane. */
  request: (urgency: Urgency) => Promise<GrantedToken>;
  /** Spreads early refreshes of many processes; Math.random unless given. */
  random?: (() => number) | undefined;
}

export interface HeldToken {
  accessToken: string;
  /** By the monotonic clock. */
  expiresAtMs: number;
  /** Whether `get` would give it out now. */
  stillGood(): boolean;
  /** Lets everybody forget this token, and only this one, because KPay refused it. */
  forget(): Promise<void>;
}

export interface TokenSource {
  /**
   * A token for a call of `lane`, good for two minutes (for half its life, when that is shorter). Many callers share
   * one request, and one is made in the background before the token grows too old.
   * @throws RejectedError, RetryableError as for any request to KPay; KpayAbortError for the caller whose signal aborts.
   */
  get(options: Pick<GetOptions, 'lane' | 'signal' | 'leaveAfterMs'>): Promise<HeldToken>;
}

type Token = Pick<GrantedToken, 'accessToken' | 'lifetimeMs'>;

/** Long enough for the checks, the commit and the call that follow (law 1). */
const NEEDED_MS = 2 * 60_000;
const KEY = 'token';
/** An early refresh that failed is not tried again before: it would cost every call a second slot of the budget. */
const EARLY_PAUSE_MS = 10_000;

export function createTokenSource({ store, clock, request, random = Math.random }: TokenSourceOptions): TokenSource {
  const shared = createSharedValue({ store, key: KEY, clock });
  // Between a fifth and a third of its life before the end: processes that started together do not ask together.
  const earlyShare = 1 / 5 + random() * (1 / 3 - 1 / 5);

  let earlyAgainAtMs = 0;

  // One text is read by every call until the next token comes.
  let known: { text: string; token: Token } | undefined;
  function tokenOf({ text }: SharedEntry): Token {
    if (known?.text !== text) known = { text, token: JSON.parse(text) };
    return known.token;
  }

  async function refresh(urgency: Urgency): Promise<{ text: string; keepMs: number }> {
    const { accessToken, lifetimeMs } = await request(urgency);
    return { text: JSON.stringify({ accessToken, lifetimeMs }), keepMs: lifetimeMs };
  }

  function remainingMs(entry: SharedEntry): number {
    return entry.askedAtMs + tokenOf(entry).lifetimeMs - clock.now();
  }

  function hasLeft(entry: SharedEntry, neededMs: number): boolean {
    return isStillGood({ sinceMs: entry.askedAtMs, forMs: tokenOf(entry).lifetimeMs - neededMs }, clock.now());
  }

  function isFresh(entry: SharedEntry): boolean {
    return hasLeft(entry, Math.min(NEEDED_MS, tokenOf(entry).lifetimeMs / 2));
  }

  function isYoung(entry: SharedEntry): boolean {
    return hasLeft(entry, tokenOf(entry).lifetimeMs * earlyShare) && isFresh(entry);
  }

  return {
    async get({ lane, signal, leaveAfterMs }) {
      const entry = await shared.get({ isFresh, refresh, lane, signal, leaveAfterMs });
      if (!isYoung(entry) && clock.monotonicMs() >= earlyAgainAtMs) {
        earlyAgainAtMs = clock.monotonicMs() + EARLY_PAUSE_MS;
        // This caller has its token. Should the refresh go on failing, those who find none hear of it.
        shared.get({ isFresh: isYoung, refresh, lane }).catch(() => {});
      }
      return {
        accessToken: tokenOf(entry).accessToken,
        expiresAtMs: clock.monotonicMs() + remainingMs(entry),
        stillGood: () => isFresh(entry),
        forget: () => shared.forget(entry.text),
      };
    },
  };
}
