import { Kpay, OutcomeUnknownError, RejectedError, RetryableError, transferBody } from '@kpay/core';
import { type Fault, type FaultRule, type Simulator, simulatorApiKey, simulatorSecretKey, startSimulator } from '@kpay/simulator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// Everything that the simulator can do wrong, and what @kpay/core makes of it: a kind of fault without a row does not
// compile.

const receipt = (fields: object) => JSON.stringify({ id: 'wt_odd', createdAt: '2026-01-01T00:00:00.000Z', ...fields });
const nul = JSON.stringify({ statusCode: 400, message: 'no\u0000thing \ud800' });
const answer = (status: number, body: string, contentType = 'application/json') =>
  ({ kind: 'answer', status, body, contentType }) as const;

type Row = readonly [fault: FaultRule['fault'], outcome: string];

/** The outcome of a send. */
const sends: Readonly<Record<Fault['kind'], readonly Row[]>> = {
  delay: [[{ kind: 'delay', delayMs: 50, when: 'after' }, 'receipt']],
  drop: [
    [{ kind: 'drop', when: 'before' }, 'unknown: connection_lost'],
    [{ kind: 'drop', when: 'after', reset: true }, 'unknown: connection_lost'],
  ],
  truncate: [[{ kind: 'truncate' }, 'unknown: connection_lost']],
  status: [
    [{ kind: 'status', status: 400 }, 'rejected: 400'],
    [{ kind: 'status', status: 409 }, 'rejected: 409'],
    [{ kind: 'status', status: 422 }, 'rejected: 422'],
    [{ kind: 'status', status: 418 }, 'unknown: unexpected_status'],
    [{ kind: 'status', status: 403, as: 'text' }, 'unknown: unexpected_status'],
    [{ kind: 'status', status: 503, when: 'after' }, 'unknown: server_error'],
  ],
  html: [
    [{ kind: 'html', status: 201, when: 'after' }, 'unknown: unreadable'],
    [{ kind: 'html', status: 404 }, 'unknown: unexpected_status'],
    [{ kind: 'html', status: 403, when: 'after' }, 'unknown: unexpected_status'],
    [{ kind: 'html', status: 502 }, 'unknown: server_error'],
  ],
  answer: [
    [answer(201, receipt({ externalId: 'of-another' })), 'unknown: unreadable'],
    [answer(201, receipt({ status: 'FAILED' })), 'unknown: not_completed'],
    [answer(201, receipt({ status: 'PENDING' })), 'unknown: not_completed'],
    [answer(201, '{"status":"FAILED"}'), 'unknown: not_completed'],
    [answer(201, '[]'), 'unknown: unreadable'],
    [answer(201, `\ufeff${receipt({})}`), 'receipt'],
    [answer(200, receipt({})), 'unknown: unexpected_status'],
    [answer(400, nul), 'rejected: 400'],
    [answer(400, '{"message":"blocked"}'), 'unknown: unexpected_status'],
    [answer(403, '{"statusCode":200,"message":"OK"}'), 'unknown: unexpected_status'],
    [answer(400, '<?xml version="1.0"?><Error/>', 'application/xml'), 'unknown: unexpected_status'],
  ],
  // A permit sends once; who holds the transfer asks for a new token.
  unauthorized: [[{ kind: 'unauthorized' }, 'rejected: 401']],
  rate_limit: [[{ kind: 'rate_limit', retryAfterSeconds: 1 }, 'retryable: rate_limited']],
  hang: [[{ kind: 'hang', when: 'after' }, 'unknown: timeout']],
  message_array: [[{ kind: 'message_array' }, 'receipt']],
  unknown_enum: [[{ kind: 'unknown_enum' }, 'receipt']],
  balance_rows: [[{ kind: 'balance_rows' }, 'receipt']],
  conflict_while_running: [
    [{ kind: 'conflict_while_running', delayMs: 50, outcome: 'fail' }, 'unknown: server_error'],
    [{ kind: 'conflict_while_running', delayMs: 50, outcome: 'succeed' }, 'receipt'],
  ],
  burn_id: [[{ kind: 'burn_id', message: 'no\u0000thing' }, 'rejected: 422']],
};

/** What reads make of answers that look like one thing and say another. */
const reads: readonly (readonly ['balance' | 'rate', FaultRule['fault'], unknown])[] = [
  ['rate', answer(200, '{"from":"XOF","to":"XAF","rate":1.5}'), 'retryable: unreadable'],
  ['rate', answer(200, '{"from":"EUR","to":"XOF","rate":655.957}'), 'retryable: unreadable'],
  ['rate', answer(200, '\ufeff{"from":"XAF","to":"XOF","rate":1.02}'), '1.02'],
  ['rate', { kind: 'html', status: 200 }, 'retryable: unreadable'],
  ['balance', answer(200, '{}'), 'retryable: unreadable'],
  ['balance', { kind: 'balance_rows' }, ['KES', 'XAF', 'XOF']],
  [
    'balance',
    answer(
      200,
      '[{"currency":"XAF","balance":1,"reservedBalance":0,"availableBalance":"NaN"},null,{"currency":"KES","balance":1,"reservedBalance":0,"availableBalance":1}]',
    ),
    ['KES'],
  ],
];

let simulator: Simulator;
let account: Kpay;
beforeAll(async () => {
  simulator = await startSimulator({ limit: 1_000_000 });
  const keys = { apiKey: simulatorApiKey, secretKey: simulatorSecretKey, environment: 'TEST' as const };
  account = new Kpay({
    ...keys,
    baseUrl: simulator.url,
    rateLimitPerMinute: 100_000,
    timeoutMs: 1_000,
    maxRetries: 0,
  });
});
afterAll(async () => {
  await account.close();
  await simulator.close();
});

function named(error: unknown): string {
  if (error instanceof OutcomeUnknownError) return `unknown: ${error.reason}`;
  if (error instanceof RejectedError) return `rejected: ${error.status}`;
  if (error instanceof RetryableError) return `retryable: ${error.reason}`;
  return String(error);
}

describe('our client takes no fault of the simulator for a success or a refusal that it is not', () => {
  let sent = 0;
  it.each(Object.values(sends).flat())('a send under %j comes to: %s', async (fault, outcome) => {
    const { application } = await account.me();
    sent += 1;
    const body = transferBody({
      applicationId: application.id,
      sourceCountry: 'CMR',
      destinationCountry: 'GAB',
      amount: { amountMinor: 100n, currency: 'XAF' },
      externalId: `conformance-fault-${sent}`,
    });
    const permit = await account.prepareTransfer({});
    simulator.control.addFault({ match: { endpoint: 'transfer' }, times: 1, fault });
    const seen = await permit.send(body, { leaseExpiresAtMs: Number.POSITIVE_INFINITY }).then(() => 'receipt', named);
    await permit.release();
    simulator.control.clearFaults();
    expect(seen).toBe(outcome);
  });

  it.each(reads)('a read of the %s under %j comes to: %j', async (what, fault, outcome) => {
    simulator.control.addFault({ match: { endpoint: what === 'rate' ? 'exchange-rate' : 'balance' }, times: 1, fault });
    const read =
      what === 'rate'
        ? account.exchangeRate('XAF', 'XOF').then(({ rate }) => rate)
        : account.balance().then((rows) => [...new Set(rows.map(({ currency }) => currency))].sort());
    const seen = await read.catch(named);
    simulator.control.clearFaults();
    if (Array.isArray(outcome) && fault.kind === 'balance_rows') expect(seen).toEqual(expect.arrayContaining(outcome));
    else expect(seen).toEqual(outcome);
  });
});
