import type { Observed } from '@kpay/core';
import type { CollectorAccount } from '@kpay/transfers/plugin';
import { Gauge, type Registry } from 'prom-client';

export interface Sample<Label extends string> {
  labels: Record<Label, string>;
  value: number;
}

export interface SnapshotGauge<Label extends string> {
  name: string;
  help: string;
  labelNames: readonly Label[];
  accounts: readonly CollectorAccount[];
  /** All samples of an account now. Returning the same array as before means that nothing has changed. */
  read(account: CollectorAccount): readonly Sample<Label>[];
}

/**
 * Adds a gauge whose series are exactly the samples that `read` returns at a scrape. A series that is missing vanishes
 * instead of keeping its last value. Series are rebuilt only when something has changed, because there can be
 * thousands.
 */
export function addSnapshotGauge<Label extends string>(registry: Registry, gauge: SnapshotGauge<Label>): void {
  const { name, help, labelNames, accounts, read } = gauge;
  let shown: readonly (readonly Sample<Label>[])[] = [];
  new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      const samples = accounts.map(read);
      if (samples.length === shown.length && samples.every((each, index) => each === shown[index])) return;
      shown = samples;
      this.reset();
      for (const { labels, value } of samples.flat()) this.set(labels, value);
    },
  });
}

/** Caches the result for each answer of KPay, so that it is computed once. */
export function onceFor<T, Result>(make: (account: string, value: T) => readonly Result[]) {
  const made = new WeakMap<Observed<T>, readonly Result[]>();
  const none: readonly Result[] = [];
  return (account: string, observed: Observed<T> | undefined): readonly Result[] => {
    if (!observed) return none;
    const known = made.get(observed);
    if (known) return known;
    const fresh = make(account, observed.value);
    made.set(observed, fresh);
    return fresh;
  };
}
