/** Counts how often each thing happened, so that a simulation cannot silently stop trying something. */
export class Tally {
  readonly counts: Record<string, number> = {};

  count(what: string, times = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + times;
  }

  add(other: Readonly<Record<string, number>>): void {
    for (const [what, times] of Object.entries(other)) this.count(what, times);
  }

  /** Those of the names that never happened. */
  missing(expected: readonly string[]): string[] {
    return expected.filter((what) => !this.counts[what]);
  }

  toString(): string {
    const sorted = Object.entries(this.counts).sort(([a], [b]) => a.localeCompare(b));
    return sorted.map(([what, times]) => `${times} ${what}`).join(', ');
  }
}
