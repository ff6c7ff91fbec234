import { createTracedHistogram } from '@kpay/runtime';
import { type AttemptOutcome, attemptOutcomes, type TransferRow } from '@kpay/transfers';
import { Counter, type Registry } from 'prom-client';

export interface TransferMetrics {
  /** Records the duration of a transfer that ended. */
  moved(transfer: TransferRow): void;
  /** Counts the outcome of a send. */
  answered(account: string, answer: AttemptOutcome): void;
  /** Counts an event that a person should check. The log has the details. */
  alarmed(account: string): void;
}

// From a quick send to one that waited a day for funds.
const DURATION_BUCKETS_S = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400];

/** Counts what this process does with transfers, as it happens. */
export function createTransferMetrics(registry: Registry, accounts: readonly string[]): TransferMetrics {
  const registers = [registry];
  const duration = createTracedHistogram(registry, {
    name: 'kpay_transfer_duration_seconds',
    help: 'Time from accepting a transfer to its end.',
    labelNames: ['account', 'state'],
    buckets: DURATION_BUCKETS_S,
  });
  const sends = new Counter({
    name: 'kpay_sends_total',
    help: 'Sends of transfers to KPay by this process, by how they ended; a transfer can be sent several times under one id.',
    labelNames: ['account', 'outcome'],
    registers,
  });
  const alarms = new Counter({
    name: 'kpay_alarms_total',
    help: 'Events that a person should check, such as refused keys or a receipt that differs from the request; the log has them.',
    labelNames: ['account'],
    registers,
  });
  // Start at 0, so that a rate over them is 0 and not "no data" before the first event.
  for (const account of accounts) {
    for (const outcome of attemptOutcomes) sends.inc({ account, outcome }, 0);
    alarms.inc({ account }, 0);
  }
  return {
    answered: (account, outcome) => sends.inc({ account, outcome }),
    alarmed: (account) => alarms.inc({ account }),
    moved(transfer) {
      if (!transfer.finished_at) return;
      const { account, state } = transfer;
      duration.observe({ account, state }, (transfer.finished_at.getTime() - transfer.created_at.getTime()) / 1_000);
    },
  };
}
