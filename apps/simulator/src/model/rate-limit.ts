/** Times of receipts in the last window. Times must not go backwards. */
export class SlidingWindow {
  #times: number[] = [];
  #first = 0;

  /** How many receipts lie in (at − windowMs, at]. */
  count(at: number, windowMs: number): number {
    while (this.#first < this.#times.length && (this.#times[this.#first] ?? 0) <= at - windowMs) this.#first += 1;
    // Compacting only when half is dead keeps a receipt at constant cost.
    if (this.#first > 1024 && this.#first * 2 > this.#times.length) {
      this.#times = this.#times.slice(this.#first);
      this.#first = 0;
    }
    return this.#times.length - this.#first;
  }

  add(at: number): void {
    this.#times.push(at);
  }

  /** When the oldest receipt of the window came. */
  oldest(): number | undefined {
    return this.#times[this.#first];
  }
}

/** The window of `key`, made on first sight. */
export function windowOf(windows: Map<string, SlidingWindow>, key: string): SlidingWindow {
  const known = windows.get(key);
  if (known) return known;
  const fresh = new SlidingWindow();
  windows.set(key, fresh);
  return fresh;
}

/** The limit of requests. */
export interface RateLimitSettings {
  /** Requests a window for a key without a limit of its own. */
  limit: number;
  /** Before the scale of time. */
  windowMs: number;
  /** Whether a 429 of the limit says when to come back. */
  retryAfter: boolean;
}

/**
 * Counts receipts per key in a sliding window, whatever their answers were. A request that was refused by the limit
 * takes no place in it: else a client that keeps asking could never recover.
 */
export class RateLimit {
  readonly #admitted = new Map<string, SlidingWindow>();

  /** Undefined when the request may pass; else the milliseconds until the next one can. */
  admit(key: string, at: number, limit: number, windowMs: number): number | undefined {
    const window = windowOf(this.#admitted, key);
    if (window.count(at, windowMs) < limit) {
      window.add(at);
      return undefined;
    }
    return (window.oldest() ?? at) + windowMs - at;
  }

  reset(): void {
    this.#admitted.clear();
  }
}
