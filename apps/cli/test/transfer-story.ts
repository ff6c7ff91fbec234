import type { Simulator } from '@kpay/simulator';
import { eventually } from '@kpay/testkit';
import { expect } from 'vitest';
import { getJson, getTransfer, postTransfer } from './ask-api.ts';
import type { ReceivedSpan, TraceReceiver } from './trace-receiver.ts';

// Text that must not occur in a trace.
const PHONE = '237670000001';
const AMOUNT = '123456';

/**
 * A transfer that is held for want of money, is sent once without an answer (the fault says how), and then succeeds.
 *
 * @param whileHeld what is done to the system meanwhile.
 */
export async function liveThrough(
  apiUrl: string,
  { control }: Simulator,
  fault: { kind: 'hang' | 'drop'; when: 'before' },
  whileHeld: () => Promise<unknown> = async () => {},
): Promise<string> {
  const wallets = control.truth().wallets.filter(({ currency }) => currency === 'XAF');
  for (const { country, currency } of wallets) control.setBalance({ country, currency, balance: 0 });
  control.addFault({ match: { endpoint: 'transfer' }, times: 1, fault });
  // An earlier value is trusted for a second more, and the transfer would be sent because of it.
  await eventually(async () => {
    const { items } = await getJson<{ items: { currency: string; balance: string }[] }>(`${apiUrl}/v1/balances`);
    expect(items.find(({ currency }) => currency === 'XAF')?.balance).toBe('0');
  });

  const order = { sourceCountry: 'CMR', destinationCountry: 'SEN', amount: AMOUNT, description: `for ${PHONE}` };
  const { id } = await postTransfer(apiUrl, { ...order, externalId: PHONE });
  await eventually(async () => expect((await getTransfer(apiUrl, id)).state).toBe('holding'), { timeoutMs: 15_000 });
  await whileHeld();
  control.setBalance({ country: 'CMR', currency: 'XAF', balance: 30_000_000 });
  await eventually(async () => expect((await getTransfer(apiUrl, id)).state).toBe('succeeded'), { timeoutMs: 60_000 });
  return id;
}

/** Checks the spans that a collector received for `liveThrough`, from processes that have ended since. */
export function expectWholeStory(
  { spans, everything }: TraceReceiver,
  id: string,
  { api, worker, lostBy }: { api: string; worker: string; lostBy: string },
): void {
  const requests = spans.filter(({ name, service }) => name === 'POST /v1/transfers' && service === api);
  expect(requests).toHaveLength(1);
  const [request] = requests;
  const trace = spans.filter(({ traceId }) => traceId === request?.traceId);
  const named = (name: string | RegExp) =>
    trace.filter((span) => (typeof name === 'string' ? span.name === name : name.test(span.name)));
  const isBelow = (span: ReceivedSpan, above: ReceivedSpan | undefined): boolean => {
    const parent = trace.find(({ spanId }) => spanId === span.parentId);
    return parent !== undefined && (parent === above || isBelow(parent, above));
  };

  // The trace is complete: each span except the first has its parent in it.
  const known = new Set(trace.map(({ spanId }) => spanId));
  expect(trace.filter(({ parentId }) => !known.has(parentId))).toEqual([request]);

  // The request: through Express into the ledger, and an advance job into the queue.
  expect(request?.attributes).toMatchObject({ 'http.route': '/v1/transfers', 'http.response.status_code': '202' });
  const handler = named('request handler').find((span) => isBelow(span, request));
  expect(handler?.attributes).toMatchObject({ 'kpay.transfer.id': id, 'kpay.account': 'default' });
  const below = (above: ReceivedSpan | undefined) => trace.filter((span) => isBelow(span, above));
  expect(
    below(handler)
      .filter(({ service }) => service === api)
      .map(({ name }) => name),
  ).toEqual(expect.arrayContaining(['pg.query:INSERT kpay.transfers', 'addBulk kpay-advance-default']));

  // The queue: each step of the transfer is inside the span of a job.
  const moves = ({ attributes }: ReceivedSpan) => attributes['kpay.transfer.state'] !== undefined;
  // On a busy machine a job is taken for dead and run twice: the one that comes too late moves nothing.
  const steps = named('advance transfer')
    .filter(moves)
    .sort((a, b) => Number(a.startedNs - b.startedNs));
  const jobs = named('process kpay-advance-default');
  for (const step of steps) {
    expect(step.service).toBe(worker);
    expect(jobs.some((job) => job.spanId === step.parentId)).toBe(true);
    expect(step.attributes).toMatchObject({ 'kpay.transfer.id': id, 'kpay.account': 'default' });
  }

  // The steps: held, sent without an answer, sent again; each links to the one before.
  const [held, lost, sent] = steps;
  expect(
    steps.map(({ attributes, failed }) => [attributes['kpay.transfer.state'], attributes['kpay.transfer.reason_code'], failed]),
  ).toEqual([
    ['holding', 'insufficient_funds', false],
    ['unconfirmed', 'outcome_unknown', true],
    ['succeeded', undefined, false],
  ]);
  expect(lost?.attributes).toMatchObject({ 'kpay.answer': 'unknown', 'kpay.answer.detail': lostBy });
  expect(sent?.attributes).toMatchObject({ 'kpay.answer': 'succeeded', 'kpay.transfer.attempts': '2' });
  expect([held?.links, lost?.links, sent?.links]).toEqual([[], [held?.spanId], [lost?.spanId]]);

  // KPay: one send without an answer, one with 201, each in its step with the ledger's transactions around it.
  const sends = (step: ReceivedSpan | undefined) => below(step).filter(({ name }) => name === 'POST /api/wallets/transfer');
  expect(sends(held)).toEqual([]);
  expect(sends(lost)).toMatchObject([{ failed: true }]);
  expect(sends(lost)[0]?.attributes).not.toHaveProperty('http.response.status_code');
  expect(sends(sent)).toMatchObject([{ failed: false, attributes: { 'http.response.status_code': '201' } }]);
  for (const step of [lost, sent]) {
    const statements = below(step).map(({ name }) => name);
    expect(statements).toEqual(expect.arrayContaining(['pg.query:UPDATE kpay.transfers', 'pg.query:COMMIT']));
  }

  // Nothing personal or secret, and no amount. Short texts are not tested, because any letters and digits occur in ids
  // and times.
  const said = everything().replace(/"(\w*[iI]d|\w*UnixNano)":"[^"]*"/g, '');
  expect(said).toContain('kpay.transfer.attempts');
  for (const hidden of [PHONE, AMOUNT, 'simulator-secret', 'kpay_test_', 'kpay-admin-of', 'eyJ', 'sourceCountry']) {
    expect(said).not.toContain(hidden);
  }
}
