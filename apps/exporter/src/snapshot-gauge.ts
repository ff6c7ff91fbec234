import { Gauge, type Registry } from 'prom-client';

export interface Sample<Label extends string> {
  labels: Record<Label, string>;
  value: number;
}

export interface SnapshotGauge<Label extends string> {
  name: string;
  help: string;
  labelNames: readonly Label[];
  /** Everything there is to show now. Asked at each scrape, so it must not wait for KPay. */
  read(): Promise<readonly Sample<Label>[]>;
}

/**
 * Adds a gauge whose series are exactly what `read` answers at a scrape: what is no longer there vanishes instead of
 * keeping its last value. When the snapshot cannot be read there is no series, and the other metrics are still served.
 */
export function addSnapshotGauge<Label extends string>(registry: Registry, gauge: SnapshotGauge<Label>): void {
  const { name, help, labelNames, read } = gauge;
  new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    async collect() {
      const samples = await read().catch(() => []);
      // No await from here on: another scrape at the same time must not see half of it.
      this.reset();
      for (const { labels, value } of samples) this.set(labels, value);
    },
  });
}
