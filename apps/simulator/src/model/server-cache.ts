/** KPay's own cache in front of a slow source: rates are served for an hour, availability for a minute (page). */
export class ServerCache<T> {
  readonly #entries = new Map<string, { value: T; staleAt: number }>();

  /** The cached value while it is fresh at `at`, else what `load` answers, kept for `ttlMs`. */
  read(key: string, at: number, ttlMs: number, load: () => T): T {
    const entry = this.#entries.get(key);
    if (entry && at < entry.staleAt) return entry.value;
    const value = load();
    this.#entries.set(key, { value, staleAt: at + ttlMs });
    return value;
  }

  clear(): void {
    this.#entries.clear();
  }
}
