import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard, heatMap, lines, type Steps, stat, UNKNOWN } from './panels.ts';

// Each worker reports the same about the ledger, and each exporter the same about KPay: use max or min, never a sum.
// What a process counts about itself is summed.
const OF = 'account=~"$account"';
const goodAtOne: Steps = [
  { value: 0, color: 'red' },
  { value: 1, color: 'green' },
];
const badAboveZero: Steps = [
  { value: 0, color: 'green' },
  { value: 1, color: 'red' },
];

const overview = (): Dashboard =>
  dashboard({
    uid: 'kpay-overview',
    title: 'KPay: overview',
    description: 'Is everything well? What is red here has an entry in docs/runbook.md.',
    rows: [
      {
        title: 'Now',
        panels: [
          stat({
            title: 'KPay answers',
            description: '1 when KPay answered the latest reads.',
            queries: [{ expr: `min(max by (account) (kpay_up{${OF}}))`, legend: 'up' }],
            steps: goodAtOne,
          }),
          stat({
            title: 'In review',
            description: 'Transfers that a person must settle.',
            queries: [{ expr: `sum(kpay:transfers:max{${OF}, state="review"})`, legend: 'in review' }],
            steps: badAboveZero,
          }),
          stat({
            title: 'Without an answer',
            description: 'Transfers that were sent and have no definite answer yet; they are sent again under their id.',
            queries: [{ expr: `sum(kpay:transfers:max{${OF}, state="unconfirmed"})`, legend: 'unconfirmed' }],
            steps: [
              { value: 0, color: 'green' },
              { value: 1, color: 'orange' },
            ],
          }),
          stat({
            title: 'Breaker open',
            description: '1: KPay gives no definite answers, and nothing new is sent.',
            queries: [{ expr: `max(kpay_breaker_open{${OF}})`, legend: 'open' }],
            steps: badAboveZero,
          }),
          stat({
            title: 'Operators closed',
            description: 'Operations of operators that are closed.',
            queries: [
              {
                // A sum, not a count: without data it shows nothing, and 0 when no operator is closed.
                expr: `sum(max by (country, provider, operation) (kpay_provider_status{${OF}, status="CLOSED"}))`,
                legend: 'closed',
              },
            ],
            steps: badAboveZero,
          }),
          stat({
            title: 'Alerts',
            description: 'Alerts that fire, besides the watchdog. Without the watchdog nothing is known of them.',
            queries: [
              {
                expr:
                  'count(ALERTS{alertname=~"Kpay.+", alertstate="firing"})' +
                  ' - count(ALERTS{alertname="KpayWatchdog", alertstate="firing"})',
                legend: 'firing',
              },
            ],
            steps: badAboveZero,
          }),
        ],
      },
      {
        title: 'Money',
        panels: [
          lines({
            title: 'Available balance',
            description: 'What can be used, by currency. KPay shows one figure for all countries of a currency.',
            queries: [
              {
                expr: `max by (account, currency) (kpay_wallet_available_balance{${OF}})`,
                legend: '{{account}} {{currency}}',
              },
            ],
          }),
          lines({
            title: 'Time to empty',
            description: 'How long the balance lasts at the outflow of the last hour. No line: nothing leaves.',
            unit: 's',
            queries: [
              {
                expr: `min by (account, currency) (kpay_wallet_time_to_empty_seconds{${OF}})`,
                legend: '{{account}} {{currency}}',
              },
            ],
          }),
        ],
      },
      {
        title: 'Processes',
        panels: [
          lines({
            title: 'Processes that answer',
            description: 'By job.',
            queries: [{ expr: 'sum by (job) (up{job=~"kpay-.+"})', legend: '{{job}}' }],
            span: 8,
          }),
          lines({
            title: 'Event loop delay, p99',
            description: 'How long work waits for its turn in a process.',
            unit: 's',
            queries: [{ expr: 'max by (job) (nodejs_eventloop_lag_p99_seconds{job=~"kpay-.+"})', legend: '{{job}}' }],
            span: 8,
          }),
          lines({
            title: 'Age of what is known',
            description: 'How long ago KPay last answered, by observation.',
            unit: 's',
            queries: [
              {
                expr: `time() - max by (account, observation) (kpay_observation_last_success_timestamp_seconds{${OF}})`,
                legend: '{{account}} {{observation}}',
              },
            ],
            span: 8,
          }),
        ],
      },
    ],
  });

const transfers = (): Dashboard =>
  dashboard({
    uid: 'kpay-transfers',
    title: 'KPay: transfers',
    description: 'Where transfers are, what they wait for and how they end.',
    rows: [
      {
        title: 'Where they are',
        panels: [
          lines({
            title: 'Transfers that are not at their end',
            description: 'By state.',
            queries: [
              {
                expr: `sum by (state) (kpay:transfers:max{${OF}, state!~"succeeded|failed|rejected|cancelled|expired"})`,
                legend: '{{state}}',
              },
            ],
          }),
          lines({
            title: 'Age of the oldest',
            description: 'How long the oldest transfer is in each state.',
            unit: 's',
            queries: [{ expr: `max by (state) (kpay_transfers_oldest_age_seconds{${OF}})`, legend: '{{state}}' }],
          }),
          lines({
            title: 'Held, by what they wait for',
            description: 'They go on by themselves when it is there.',
            queries: [{ expr: `sum by (reason) (max by (account, reason) (kpay_transfers_held{${OF}}))`, legend: '{{reason}}' }],
            span: 8,
          }),
          lines({
            title: 'Reviews open',
            description: 'By why a person must look.',
            queries: [{ expr: `sum by (reason) (max by (account, reason) (kpay_reviews_open{${OF}}))`, legend: '{{reason}}' }],
            span: 8,
          }),
          lines({
            title: 'Pauses in force',
            description: 'By scope.',
            queries: [{ expr: `max by (account, scope) (kpay_pauses{${OF}})`, legend: '{{account}} {{scope}}' }],
            span: 8,
          }),
        ],
      },
      {
        title: 'How they go',
        panels: [
          lines({
            title: 'Ended, a second',
            description: 'By final state.',
            unit: 'ops',
            queries: [
              {
                expr: `sum by (state) (max by (account, state) (rate(kpay_transfers_finished_total{${OF}}[$__rate_interval])))`,
                legend: '{{state}}',
              },
            ],
          }),
          lines({
            title: 'From accepted to its end',
            description: 'Half of the transfers, and 99 of 100, took no longer. Points lead to traces.',
            unit: 's',
            exemplars: true,
            queries: [0.5, 0.99].map((quantile) => ({
              expr: `histogram_quantile(${quantile}, sum by (le) (rate(kpay_transfer_duration_seconds_bucket{${OF}}[$__rate_interval])))`,
              legend: `p${quantile * 100}`,
            })),
          }),
          lines({
            title: 'Sends, a second',
            description: 'By how they ended. A transfer can be sent several times under one id, with one effect.',
            unit: 'ops',
            queries: [{ expr: `sum by (outcome) (rate(kpay_sends_total{${OF}}[$__rate_interval]))`, legend: '{{outcome}}' }],
          }),
          lines({
            title: 'Jobs in the queue',
            description: 'By state. Delayed ones follow a transfer that is not at its end.',
            queries: [{ expr: `sum by (state) (max by (account, state) (kpay_queue_jobs{${OF}}))`, legend: '{{state}}' }],
          }),
        ],
      },
    ],
  });

const operators = (): Dashboard =>
  dashboard({
    uid: 'kpay-operators',
    title: 'KPay: operators',
    description: 'Mobile-money operators: what works now, and what worked.',
    rows: [
      {
        title: 'Status',
        panels: [
          heatMap({
            title: 'Operators',
            description: 'Each operation of each operator over time.',
            height: 22,
            queries: [
              {
                // The worst status that any exporter reports; 0 when it is none of the three.
                expr:
                  `max by (country, provider, operation) (kpay_provider_status{${OF}, status="OPERATIONAL"}` +
                  ` or 2 * kpay_provider_status{${OF}, status="DELAYED"} or 3 * kpay_provider_status{${OF}, status="CLOSED"})`,
                legend: '{{country}} {{provider}} {{operation}}',
              },
            ],
            meanings: {
              0: { text: 'not a documented status', color: UNKNOWN },
              1: { text: 'operational', color: 'green' },
              2: { text: 'delayed', color: 'orange' },
              3: { text: 'closed', color: 'red' },
            },
          }),
        ],
      },
      {
        title: 'History',
        panels: [
          lines({
            title: 'Operational share, in the range shown',
            description: 'Of the time that was seen.',
            unit: 'percentunit',
            queries: [
              {
                expr:
                  `sum by (country, provider, operation) (increase(kpay_provider_status_seconds_total{${OF}, status="OPERATIONAL"}[$__range]))` +
                  ` / sum by (country, provider, operation) (increase(kpay_provider_status_seconds_total{${OF}}[$__range]))`,
                legend: '{{country}} {{provider}} {{operation}}',
              },
            ],
          }),
          lines({
            title: 'Changes of status, in an hour',
            description: 'An operator that comes and goes.',
            queries: [
              {
                expr: `max by (country, provider, operation) (increase(kpay_provider_status_changes_total{${OF}}[1h]))`,
                legend: '{{country}} {{provider}} {{operation}}',
              },
            ],
          }),
          lines({
            title: 'Values nobody documented',
            description: 'What KPay said that its documentation does not list, by field.',
            queries: [{ expr: `sum by (field) (increase(kpay_unknown_values_total{${OF}}[1h]))`, legend: '{{field}}' }],
          }),
          lines({
            title: 'Exchange rates',
            description: 'Of the pairs that are set and those that transfers need.',
            queries: [{ expr: `max by (from, to) (kpay_exchange_rate{${OF}})`, legend: '{{from}} to {{to}}' }],
          }),
        ],
      },
    ],
  });

const client = (): Dashboard =>
  dashboard({
    uid: 'kpay-client',
    title: 'KPay: budget and client',
    description: 'What we ask of KPay, how it answers, and what is left of the budget.',
    rows: [
      {
        title: 'Budget',
        panels: [
          stat({
            title: 'Left',
            description: 'Requests that may still be sent in the present window, by all processes together.',
            span: 4,
            queries: [{ expr: `min(kpay_api_budget_remaining{${OF}})`, legend: 'left' }],
            steps: [
              { value: 0, color: 'red' },
              { value: 10, color: 'orange' },
              { value: 30, color: 'green' },
            ],
          }),
          lines({
            title: 'Used, of all',
            description: 'A share of the budget is kept for checks, people and metrics.',
            unit: 'percentunit',
            span: 20,
            queries: [{ expr: `kpay:api_budget_used:ratio{${OF}}`, legend: '{{account}}' }],
          }),
        ],
      },
      {
        title: 'Requests to KPay',
        panels: [
          lines({
            title: 'Requests, a second',
            description: 'By endpoint.',
            unit: 'reqps',
            queries: [
              { expr: `sum by (endpoint) (rate(kpay_api_requests_total{${OF}}[$__rate_interval]))`, legend: '{{endpoint}}' },
            ],
          }),
          lines({
            title: 'Outcomes, a second',
            description: 'ok is an answer, rejected a refusal; the rest are failures.',
            unit: 'reqps',
            queries: [
              { expr: `sum by (outcome) (rate(kpay_api_requests_total{${OF}}[$__rate_interval]))`, legend: '{{outcome}}' },
            ],
          }),
          lines({
            title: 'Time of an answer, p99',
            description: 'By endpoint; waiting for budget is not in it. Points lead to traces.',
            unit: 's',
            exemplars: true,
            queries: [
              {
                expr: `histogram_quantile(0.99, sum by (le, endpoint) (rate(kpay_api_request_duration_seconds_bucket{${OF}}[$__rate_interval])))`,
                legend: '{{endpoint}}',
              },
            ],
          }),
          lines({
            title: 'Reads of the exporter that failed, in an hour',
            description: 'By observation. Series vanish when it goes on.',
            queries: [
              {
                expr: `sum by (observation) (increase(kpay_observation_failures_total{${OF}}[1h]))`,
                legend: '{{observation}}',
              },
            ],
          }),
        ],
      },
      {
        title: 'Requests to us',
        panels: [
          lines({
            title: 'Admin API: requests, a second',
            description: 'By route and status.',
            unit: 'reqps',
            queries: [
              {
                expr: 'sum by (method, route, status) (rate(kpay_http_request_duration_seconds_count[$__rate_interval]))',
                legend: '{{method}} {{route}} {{status}}',
              },
            ],
          }),
          lines({
            title: 'Admin API: time of an answer, p99',
            description: 'By route. Points lead to traces.',
            unit: 's',
            exemplars: true,
            queries: [
              {
                expr: 'histogram_quantile(0.99, sum by (le, route) (rate(kpay_http_request_duration_seconds_bucket[$__rate_interval])))',
                legend: '{{route}}',
              },
            ],
          }),
        ],
      },
    ],
  });

/** Builds the dashboards, by the names of their files in docker/grafana/dashboards. */
export function buildDashboards(): ReadonlyMap<string, Dashboard> {
  return new Map([overview(), transfers(), operators(), client()].map((built) => [`${built.uid}.json`, built]));
}
