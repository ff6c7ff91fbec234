import type { EndpointName, Fault, Simulator } from '@kpay/simulator';

/** How often a send meets which fault, about 35 of 100 in all. The client gives up after 20 s. */
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
  // Continues behind a gateway's 504, for a shorter time than lies between two conflicts that confirm.
  [1, { kind: 'conflict_while_running', delayMs: 2_000, outcome: 'fail', status: 500, gatewayTimeoutMs: 200 }],
  [1, { kind: 'conflict_while_running', delayMs: 2_000, outcome: 'succeed', status: 500, gatewayTimeoutMs: 200 }],
  [0.5, { kind: 'rate_limit', retryAfterSeconds: 1 }],
  [0.5, { kind: 'unauthorized' }],
  [0.5, { kind: 'status', status: 400, when: 'before', as: 'json' }],
  [0.5, { kind: 'status', status: 422, when: 'before', as: 'json' }],
  // Answers that look like one thing and mean another: refusals that are not KPay's, and a 201 about another request.
  [0.5, { kind: 'html', status: 403, when: 'after' }],
  [0.5, { kind: 'html', status: 404, when: 'before' }],
  [0.5, answer(400, '<?xml version="1.0"?><Error/>', 'after')],
  [0.5, answer(422, '{"error":"blocked"}', 'before')],
  [0.5, answer(201, '{"id":"of-another","externalId":"order-of-another"}', 'after')],
  [0.5, answer(201, '{"id":"of-another","externalId":"order-of-another"}', 'before')],
  // No success, whatever became of it: a person must check.
  [0.3, answer(201, '{"id":"unfinished","status":"PENDING"}', 'after')],
  [0.3, answer(201, '{"id":"not-done","status":"FAILED"}', 'before')],
  [0.3, answer(201, '{"status":"FAILED"}', 'before')],
  // A refusal by KPay with a text that no store accepts.
  [0.5, answer(400, JSON.stringify({ statusCode: 400, message: `no\u0000thing \ud800 ${'much '.repeat(2_000)}` }), 'before')],
  // A byte order mark before a receipt without an externalId.
  [0.5, answer(201, '\ufeff{"id":"marked"}', 'after')],
];

function answer(status: number, body: string, when: 'before' | 'after'): Fault {
  return { kind: 'answer', status, body, contentType: 'application/json', when };
}

const ON_READS: readonly [percent: number, endpoint: EndpointName, fault: Fault][] = [
  [10, 'token', { kind: 'delay', delayMs: 100, jitterMs: 2_000, when: 'before' }],
  [10, 'token', { kind: 'status', status: 503, when: 'before', as: 'json' }],
  [10, 'balance', { kind: 'status', status: 503, when: 'before', as: 'json' }],
  [10, 'balance', { kind: 'delay', delayMs: 100, jitterMs: 2_000, when: 'before' }],
  [20, 'balance', { kind: 'balance_rows' }],
  [5, 'balance', answer(200, '[{"currency":"XAF","balance":"NaN","availableBalance":null},null]', 'before')],
  [20, 'exchange-rate', { kind: 'drop', when: 'before', reset: false }],
  [20, 'exchange-rate', answer(200, '{"from":"XOF","to":"XAF","rate":1.5}', 'before')],
];

/**
 * Makes about a third of the sends fail, and some reads. A refusal that burns the id is not among them: if a crash
 * loses it, nothing can distinguish it from a success (docs/decisions/0010).
 */
export function addFaults({ control }: Simulator, random: () => number) {
  let before = 0;
  const firedNow = () => control.listFaults().reduce((sum, { fired }) => sum + fired, 0);

  function clear(): void {
    before += firedNow();
    control.clearFaults();
  }
  function add(percent: number, endpoint: EndpointName, fault: Fault): void {
    // A new random source each time, so that what follows an outage varies.
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
      // The first rule that fires handles the request.
      add(100, 'transfer', { kind: 'status', status: 503, when, as: 'json' });
    },
    endOutage(): void {
      clear();
      addAll();
    },
  };
}
