import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import { createTracedHistogram } from './traced-histogram.ts';

/**
 * What @kpay/core reports about an account: each request that ended, and each difference between KPay and its
 * documentation.
 */
export interface CallWatcher {
  onCall(call: { endpoint: string; outcome: string; durationMs: number }): void;
  onDrift(drift: { endpoint: string; path: string; kind: string }): void;
}

// KPay answers within tens of milliseconds; a call is given up after 20 s.
const DURATION_BUCKETS_S = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];

const DRIFT_KINDS = ['unknown_field', 'unknown_value', 'unreadable_row'];
/** The possible outcomes of a call, as @kpay/core names them, by endpoint. */
const READS = ['me', 'token', 'exchange_rate', 'predict_provider', 'availability', 'balance'];
const OUTCOMES = [
  'ok',
  'rejected',
  'rate_limited',
  'not_connected',
  'connection_lost',
  'server_error',
  'timeout',
  'unreadable',
  'aborted',
];
const TRANSFER_OUTCOMES = [...OUTCOMES, 'lease_too_short', 'unexpected_status'];

/**
 * Counts the requests of a process to KPay and logs each drift once (core reports each path once). A path is KPay's
 * text, so it goes to the log and never into a label.
 *
 * @returns a function that makes the watcher of an account, to pass to core when the account is opened.
 */
export function createCallWatchers(registry: Registry, logger: Logger): (account: string) => CallWatcher {
  const registers = [registry];
  const requests = new Counter({
    name: 'kpay_api_requests_total',
    help: 'Requests to KPay by this process, by how they ended.',
    labelNames: ['account', 'endpoint', 'outcome'],
    registers,
  });
  const duration = createTracedHistogram(registry, {
    name: 'kpay_api_request_duration_seconds',
    help: 'Time from sending a request to KPay to the end of its answer; waiting for budget is not in it.',
    labelNames: ['account', 'endpoint'],
    buckets: DURATION_BUCKETS_S,
  });
  const drifts = new Counter({
    name: 'kpay_api_drift_total',
    help: 'Fields and values of KPay that its documentation does not know, each path once in the life of this process.',
    labelNames: ['account', 'endpoint', 'kind'],
    registers,
  });
  return (account) => {
    // Starts at 0 before the first call, so that the first one is seen as an increase. A counter born at 1 never rises.
    for (const endpoint of READS) {
      for (const outcome of OUTCOMES) requests.inc({ account, endpoint, outcome }, 0);
      for (const kind of DRIFT_KINDS) drifts.inc({ account, endpoint, kind }, 0);
    }
    for (const outcome of TRANSFER_OUTCOMES) requests.inc({ account, endpoint: 'transfer', outcome }, 0);
    for (const kind of DRIFT_KINDS) drifts.inc({ account, endpoint: 'transfer', kind }, 0);
    return {
      onCall({ endpoint, outcome, durationMs }) {
        requests.inc({ account, endpoint, outcome });
        duration.observe({ account, endpoint }, durationMs / 1_000);
      },
      onDrift({ endpoint, path, kind }) {
        drifts.inc({ account, endpoint, kind });
        logger.warn({ account, endpoint, path, kind }, "KPay's answer differs from its documentation");
      },
    };
  };
}
