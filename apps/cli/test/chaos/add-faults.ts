import type { EndpointName, Fault, Simulator } from '@kpay/simulator';

/** How often a send meets which fault: of 100 about 30. The client gives up after 20 s. */
const ON_SENDS: readonly [percent: number, fault: Fault][] = [
  [6, { kind: 'drop', when: 'after', reset: false }],
  [2, { kind: 'drop', when: 'before', reset: true }],
  [4, { kind: 'status', status: 503, when: 'before', as: 'json' }],
  [3, { kind: 'status', status: 500, when: 'after', as: 'text' }],
  [2, { kind: 'truncate' }],
  [1, { kind: 'html', status: 201, when: 'after' }],
  [1, { kind: 'html', status: 502, when: 'before' }],
  [3, { kind: 'delay', delayMs: 500, jitterMs: 5_000, when: 'before' }],
  [3, { kind: 'delay', delayMs: 500, jitterMs: 5_000, when: 'after' }],
  // Applied after the client has given up.
  [0.5, { kind: 'delay', delayMs: 20_500, jitterMs: 4_000, when: 'before' }],
  [0.5, { kind: 'hang', when: 'before' }],
  [0.5, { kind: 'hang', when: 'after' }],
  // Runs on behind a gateway's 504, shorter than the time between two conflicts that confirm.
  [1, { kind: 'conflict_while_running', delayMs: 2_000, outcome: 'fail', status: 500, gatewayTimeoutMs: 200 }],
  [1, { kind: 'conflict_while_running', delayMs: 2_000, outcome: 'succeed', status: 500, gatewayTimeoutMs: 200 }],
  [0.5, { kind: 'rate_limit', retryAfterSeconds: 1 }],
  [0.5, { kind: 'unauthorized' }],
  [0.5, { kind: 'status', status: 400, when: 'before', as: 'json' }],
  [0.5, { kind: 'status', status: 422, when: 'before', as: 'json' }],
];

const ON_READS: readonly [percent: number, endpoint: EndpointName, fault: Fault][] = [
  [10, 'token', { kind: 'delay', delayMs: 100, jitterMs: 2_000, when: 'before' }],
  [10, 'token', { kind: 'status', status: 503, when: 'before', as: 'json' }],
  [10, 'balance', { kind: 'status', status: 503, when: 'before', as: 'json' }],
  [10, 'balance', { kind: 'delay', delayMs: 100, jitterMs: 2_000, when: 'before' }],
  [20, 'balance', { kind: 'balance_rows' }],
  [20, 'exchange-rate', { kind: 'drop', when: 'before', reset: false }],
];

/**
 * Lets about three sends of ten go wrong, and some reads. A refusal that burns the id is not among them: lost in a
 * crash, nothing can tell it from a success (docs/decisions/0010).
 */
export function addFaults({ control }: Simulator, random: () => number) {
  let before = 0;
  const firedNow = () => control.listFaults().reduce((sum, { fired }) => sum + fired, 0);

  function clear(): void {
    before += firedNow();
    control.clearFaults();
  }
  function add(percent: number, endpoint: EndpointName, fault: Fault): void {
    // Dice of their own each time, so that what follows an outage is not always the same.
    control.addFault({ match: { endpoint }, probability: percent / 100, seed: Math.floor(random() * 2 ** 31), fault });
  }
  function addAll(): void {
    for (const [percent, fault] of ON_SENDS) add(percent, 'transfer', fault);
    for (const [percent, endpoint, fault] of ON_READS) add(percent, endpoint, fault);
  }
  addAll();
  return {
    fired: () => before + firedNow(),
    clear,
    /** KPay fails every send, before or after it was applied. */
    beginOutage(when: 'before' | 'after'): void {
      clear();
      // The first rule that fires has the request.
      add(100, 'transfer', { kind: 'status', status: 503, when, as: 'json' });
    },
    endOutage(): void {
      clear();
      addAll();
    },
  };
}
