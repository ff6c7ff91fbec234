import { Counter, Histogram, type Registry } from 'prom-client';

/** One request to KPay that is over: what @kpay/core's `onCall` reports, and whose it was. */
export interface AccountCall {
  account: string;
  endpoint: string;
  outcome: string;
  durationMs: number;
}

export interface CallMetrics {
  record(call: AccountCall): void;
}

// KPay's answers take tens of milliseconds; a call is given up after 20 s.
const DURATION_BUCKETS_S = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];

/** The metrics of all requests that this process makes to KPay, whoever makes them. */
export function createCallMetrics(registry: Registry): CallMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: 'kpay_api_requests_total',
    help: 'Requests to KPay by this process, by how they ended.',
    labelNames: ['account', 'endpoint', 'outcome'],
    registers,
  });
  const duration = new Histogram({
    name: 'kpay_api_request_duration_seconds',
    help: 'Time from sending a request to KPay to the end of its answer; waiting for budget is not in it.',
    labelNames: ['account', 'endpoint'],
    buckets: DURATION_BUCKETS_S,
    registers,
  });
  return {
    record({ account, endpoint, outcome, durationMs }) {
      requests.inc({ account, endpoint, outcome });
      duration.observe({ account, endpoint }, durationMs / 1_000);
    },
  };
}
