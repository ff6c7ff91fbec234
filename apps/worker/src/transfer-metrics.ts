import { isFinal, type Ledger, type TransferRow, type TransferState, transferStates } from '@kpay/transfers';
import type { Queue } from 'bullmq';
import { sql } from 'kysely';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface TransferMetrics {
  /** Counts a transfer that came to its end. */
  moved(transfer: TransferRow): void;
  /** Shows how many jobs wait at an account's door. */
  watchQueue(account: string, queue: Queue): void;
}

// From a quick send to one that waited a day for funds.
const DURATION_BUCKETS_S = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400];

const QUEUE_STATES = ['waiting', 'active', 'delayed', 'failed'] as const;

/** The transfer metrics of architecture.md. The state gauge is read from the ledger at scrape time; KPay is never asked. */
export function createTransferMetrics(registry: Registry, ledger: Ledger, accounts: readonly string[]): TransferMetrics {
  const registers = [registry];
  const finished = new Counter({
    name: 'kpay_transfers_finished_total',
    help: 'Transfers that came to their end in this process, by final state.',
    labelNames: ['account', 'state'],
    registers,
  });
  const duration = new Histogram({
    name: 'kpay_transfer_duration_seconds',
    help: 'Time from accepting a transfer to its end.',
    labelNames: ['account', 'state'],
    buckets: DURATION_BUCKETS_S,
    registers,
  });
  new Gauge({
    name: 'kpay_transfers',
    help: 'Transfers in the ledger, by state.',
    labelNames: ['account', 'state'],
    registers,
    async collect() {
      const counts = await countByState(ledger);
      this.reset();
      for (const account of accounts) {
        for (const state of transferStates) this.set({ account, state }, counts.get(`${account} ${state}`) ?? 0);
      }
    },
  });
  const queues = new Map<string, Queue>();
  new Gauge({
    name: 'kpay_queue_jobs',
    help: 'Jobs in the transfer queue, by state; delayed ones follow a transfer that is not final yet.',
    labelNames: ['account', 'state'],
    registers,
    async collect() {
      this.reset();
      for (const [account, queue] of queues) {
        const counts = await queue.getJobCounts(...QUEUE_STATES);
        for (const state of QUEUE_STATES) this.set({ account, state }, counts[state] ?? 0);
      }
    },
  });
  // Seeded, so that a rate over them is 0 and not "no data" before the first one.
  for (const account of accounts) {
    for (const state of transferStates.filter(isFinal)) finished.inc({ account, state }, 0);
  }
  return {
    watchQueue: (account, queue) => void queues.set(account, queue),
    moved(transfer) {
      if (!transfer.finished_at) return;
      const labels = { account: transfer.account, state: transfer.state };
      finished.inc(labels);
      duration.observe(labels, (transfer.finished_at.getTime() - transfer.created_at.getTime()) / 1_000);
    },
  };
}

async function countByState(ledger: Ledger): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ account: string; state: TransferState; count: string }>`
    select account, state, count(*) as count from kpay.transfers group by account, state`.execute(ledger.db);
  return new Map(rows.map(({ account, state, count }) => [`${account} ${state}`, Number(count)]));
}
