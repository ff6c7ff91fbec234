import { eventually } from '@kpay/testkit';
import { describe, expect, it } from 'vitest';
import { openSimulator, type Reply } from '../../test/client.ts';
import type { FaultRule } from '../index.ts';

type Outcome = Pick<Reply, 'status' | 'text'> | 'no answer';

/** One transfer under one fault: what the client saw, how many transfers are true, and what a second send of the id gets. */
async function sendUnder(
  fault: FaultRule['fault'],
): Promise<{ first: Outcome; applied: number; second: number; ending: string }> {
  const { client, control } = await openSimulator();
  control.addFault({ match: { endpoint: 'transfer' }, times: 1, fault });
  const token = await client.token();
  const first: Outcome = await client.transfer({ externalId: 'x' }, token, AbortSignal.timeout(300)).catch(() => 'no answer');
  const ending = await eventually(() => {
    const [record] = control.truth({ externalId: 'x' }).requests;
    expect(record?.ending).not.toBe('open');
    return record?.ending ?? '';
  });
  const applied = control.truth().transferCount;
  const { status: second } = await client.transfer({ externalId: 'x' }, token);
  expect(control.truth()).toMatchObject({ transferCount: 1, money: { conserved: true } });
  return { first, applied, second, ending };
}

describe('before applying nothing has moved and a second send does it; after applying the second send gets 409', () => {
  const faults: FaultRule['fault'][] = [
    { kind: 'drop' },
    { kind: 'drop', reset: true, delayMs: 5 },
    { kind: 'hang' },
    { kind: 'delay', delayMs: 20, jitterMs: 20 },
    { kind: 'html' },
    { kind: 'html', status: 201 },
    { kind: 'status', status: 500 },
    { kind: 'status', status: 502, as: 'text' },
    { kind: 'status', status: 503, retryAfterSeconds: 7 },
    { kind: 'status', status: 504, delayMs: 20 },
  ];
  const both = faults.flatMap((fault) => [
    { ...fault, when: 'before' as const },
    { ...fault, when: 'after' as const },
  ]);
  it.each(both)('%o', async (fault) => {
    const { first, applied, second, ending } = await sendUnder(fault as FaultRule['fault']);
    if (fault.kind === 'drop' || fault.kind === 'hang') {
      expect(first).toBe('no answer');
      expect(ending).toBe(fault.kind === 'drop' ? 'dropped' : 'client_gone');
    } else {
      expect(ending).toBe('answered');
      const status = 'status' in fault ? fault.status : undefined;
      expect(first).toMatchObject({ status: fault.kind === 'delay' ? 201 : (status ?? 502) });
    }
    // A delay before applying is a slow success: it has moved money by the time it is answered.
    const moved = fault.when === 'after' || fault.kind === 'delay';
    expect({ applied, second }).toEqual(moved ? { applied: 1, second: 409 } : { applied: 0, second: 201 });
  });
});

it('a status fault answers the envelope, or plain text, and Retry-After when told', async () => {
  const { client, control } = await openSimulator();
  control.addFault({ times: 1, fault: { kind: 'status', status: 503, retryAfterSeconds: 7 } });
  control.addFault({ times: 1, fault: { kind: 'status', status: 502, as: 'text' } });
  control.addFault({ times: 1, fault: { kind: 'html', status: 504 } });
  const ask = () => client.get('/api/v1/payments/me');
  const [json, text, html] = [await ask(), await ask(), await ask()];
  expect(json.body).toEqual({ statusCode: 503, message: 'Injected fault', error: 'Service Unavailable' });
  expect(json.headers.get('retry-after')).toBe('7');
  expect([text.headers.get('content-type'), text.body]).toEqual(['text/plain; charset=utf-8', undefined]);
  expect([html.headers.get('content-type'), html.text]).toEqual(['text/html; charset=utf-8', expect.stringContaining('<html>')]);
  expect((await ask()).status).toBe(200);
});

it('a truncated answer promises more bytes than it sends; the transfer is applied', async () => {
  const { first, applied, second, ending } = await sendUnder({ kind: 'truncate' });
  expect({ first, applied, second, ending }).toEqual({ first: 'no answer', applied: 1, second: 409, ending: 'truncated' });
});

it('a delay before applying goes on when the client gives up: the money moves later', async () => {
  const { client, control } = await openSimulator();
  control.addFault({ match: { endpoint: 'transfer' }, fault: { kind: 'delay', delayMs: 150 } });
  const token = await client.token();
  await expect(client.transfer({ externalId: 'late' }, token, AbortSignal.timeout(30))).rejects.toThrow();
  expect(control.truth().transferCount).toBe(0);
  await eventually(() => expect(control.truth().transferCount).toBe(1));
  expect(control.truth({ externalId: 'late' }).requests).toMatchObject([{ ending: 'client_gone', status: 201, fault: 'delay' }]);
});

it('401 midway: one call is refused, the same token works on the next', async () => {
  const { client, control } = await openSimulator();
  const token = await client.token();
  control.addFault({ match: { endpoint: 'transfer', nth: 2 }, fault: { kind: 'unauthorized' } });
  const statuses = [];
  for (let call = 0; call < 3; call += 1) statuses.push((await client.transfer({}, token)).status);
  expect(statuses).toEqual([201, 401, 201]);
});

it.each([
  [3, '3'],
  [undefined, null],
])('a burst of 429 with retryAfterSeconds %s', async (retryAfterSeconds, header) => {
  const { client, control } = await openSimulator();
  const seconds = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  control.addFault({ times: 2, fault: { kind: 'rate_limit', ...seconds } });
  const replies = [];
  for (let call = 0; call < 3; call += 1) replies.push(await client.get('/api/v1/payments/balance'));
  expect(replies.map(({ status }) => status)).toEqual([429, 429, 200]);
  expect(replies[0]?.headers.get('retry-after')).toBe(header);
  expect(control.truth().requestCounts.refusedByLimit).toBe(0);
});

it('message_array makes every error carry an array, and leaves successes alone', async () => {
  const { client, control } = await openSimulator();
  control.addFault({ fault: { kind: 'message_array' } });
  expect((await client.transfer({ applicationId: 'c0a8e1d4-92b6-4f0e-8d3b-7a41f2c69e55' })).body).toMatchObject({
    statusCode: 403,
    message: ['Application does not belong to you', expect.any(String)],
  });
  expect((await client.get('/api/v1/payments/me')).status).toBe(200);
});

it('unknown_enum puts a value nobody documented where an enum stands', async () => {
  const { client, control } = await openSimulator();
  control.addFault({ match: { endpoint: 'me' }, fault: { kind: 'unknown_enum', value: 'LIVE' } });
  control.addFault({ fault: { kind: 'unknown_enum' } });
  expect((await client.get('/api/v1/payments/me')).body).toMatchObject({ environment: 'LIVE' });
  expect((await client.get('/api/v1/payments/availability')).body).toMatchObject([
    {
      country: 'CMR',
      providers: [{ operationTypes: [{ operationType: 'SOMETHING_NEW', status: 'SOMETHING_NEW' }, {}, {}] }, {}],
    },
    ...Array.from({ length: 12 }, () => ({})),
  ]);
  expect((await client.transfer()).body).toMatchObject({ sourceTransaction: { type: 'SOMETHING_NEW', currency: 'XAF' } });
});

it('balance_rows brings a currency once for each country, and the sum stays', async () => {
  const { client, control } = await openSimulator();
  control.addFault({ fault: { kind: 'balance_rows' } });
  const { body } = await client.get('/api/v1/payments/balance');
  const francs = (body as { currency: string; balance: number }[]).filter(({ currency }) => currency === 'XAF');
  expect(francs.map(({ balance }) => balance)).toEqual([10_000_000, 10_000_000, 10_000_000]);
});

describe('conflict_while_running: a second call gets 409 while the first still runs, then the first', () => {
  it.each([
    ['fail', 500, 0, 201],
    ['fail_and_burn', 500, 0, 409],
    ['succeed', 201, 1, 409],
  ] as const)('%s', async (outcome, firstStatus, applied, third) => {
    const { client, control } = await openSimulator();
    control.addFault({ match: { externalId: 'x' }, times: 1, fault: { kind: 'conflict_while_running', delayMs: 150, outcome } });
    const token = await client.token();
    const first = client.transfer({ externalId: 'x' }, token);
    await eventually(() => expect(control.listFaults()).toMatchObject([{ fired: 1 }]));
    expect((await client.transfer({ externalId: 'x' }, token)).status).toBe(409);
    expect(control.truth().transferCount).toBe(0);
    expect((await first).status).toBe(firstStatus);
    expect(control.truth().transferCount).toBe(applied);
    expect((await client.transfer({ externalId: 'x' }, token)).status).toBe(third);
  });
});

it('a gateway can answer 504 while the transfer runs on, holds its id, then fails', async () => {
  const { client, control } = await openSimulator();
  const fault = { kind: 'conflict_while_running', delayMs: 200, gatewayTimeoutMs: 20 } as const;
  control.addFault({ match: { endpoint: 'transfer' }, times: 1, fault });
  const token = await client.token();
  const send = async () => (await client.transfer({ externalId: 'x' }, token)).status;
  expect([await send(), await send()]).toEqual([504, 409]);
  expect(control.truth().transferCount).toBe(0);
  await eventually(async () => expect(await send()).toBe(201));
});

it('burn_id answers 422, moves nothing, and the id is 409 for ever', async () => {
  const { client, control } = await openSimulator();
  control.addFault({ match: { endpoint: 'transfer' }, times: 1, fault: { kind: 'burn_id' } });
  const statuses = [];
  for (let call = 0; call < 3; call += 1) statuses.push((await client.transfer({ externalId: 'x' })).status);
  expect(statuses).toEqual([422, 409, 409]);
  expect(control.truth()).toMatchObject({ transferCount: 0, burntIds: [{ externalId: 'x' }] });
});

describe('a rule meets only what it matches:', () => {
  it.each<[string, FaultRule['match'], number[]]>([
    ['everything', {}, [500, 500, 500]],
    ['an endpoint', { endpoint: 'balance' }, [500, 200, 201]],
    ['a method', { method: 'post' }, [200, 200, 500]],
    ['the source country', { country: 'CMR' }, [200, 200, 500]],
    ['the destination country', { country: 'GAB' }, [200, 200, 500]],
    ['another country', { country: 'KEN' }, [200, 200, 201]],
    ['an externalId', { externalId: 'x' }, [200, 200, 500]],
    ['another externalId', { externalId: 'y' }, [200, 200, 201]],
    ['another application', { applicationId: 'other' }, [200, 200, 201]],
    ['the second request', { nth: 2 }, [200, 500, 201]],
  ])('%s', async (_title, match, expected) => {
    const { client, control } = await openSimulator();
    const token = await client.token();
    control.addFault({ ...(match && { match }), fault: { kind: 'status' } });
    const balance = await client.get('/api/v1/payments/balance');
    const me = await client.get('/api/v1/payments/me');
    expect([balance.status, me.status, (await client.transfer({ externalId: 'x' }, token)).status]).toEqual(expected);
  });
});

it('the same seed gives the same requests the same faults; another seed gives others', async () => {
  const play = async (seed: number) => {
    const { client, control } = await openSimulator({ seed, limit: 1000 });
    control.addFault({ match: { endpoint: 'me' }, probability: 0.3, fault: { kind: 'status', status: 503 } });
    control.addFault({ match: { endpoint: 'me' }, probability: 0.3, fault: { kind: 'unauthorized' } });
    const statuses = [];
    for (let call = 0; call < 60; call += 1) statuses.push((await client.get('/api/v1/payments/me')).status);
    return statuses;
  };
  const [once, again, other] = [await play(42), await play(42), await play(43)];
  expect(again).toEqual(once);
  expect(other).not.toEqual(once);
  // Dice that never or always fall would replay as well.
  expect(new Set(once)).toEqual(new Set([200, 401, 503]));
});

it('removes rules one by one or all; the same rules throw the same dice again', async () => {
  const { client, control } = await openSimulator();
  const me = async () => (await client.get('/api/v1/payments/me')).status;
  const { id } = control.addFault({ fault: { kind: 'unauthorized' } });
  control.addFault({ fault: { kind: 'status', status: 502 } });
  expect(await me()).toBe(401);
  control.removeFault(id);
  expect(await me()).toBe(502);
  control.clearFaults();
  expect(await me()).toBe(200);
  expect(control.addFault({ fault: { kind: 'unauthorized' } }).id).toBe(id);
});

it('closing ends hangs, delays and idle connections in 1 s; delayed is not applied', async () => {
  const { client, control, close } = await openSimulator();
  control.addFault({ match: { endpoint: 'me' }, fault: { kind: 'hang' } });
  control.addFault({ match: { endpoint: 'transfer' }, fault: { kind: 'delay', delayMs: 60_000 } });
  const token = await client.token();
  const waiting = [client.get('/api/v1/payments/me'), client.transfer({}, token)].map((call) => call.catch(() => 'ended'));
  await eventually(() => expect(control.listFaults().map(({ fired }) => fired)).toEqual([1, 1]));
  const started = performance.now();
  await close();
  expect(await Promise.all(waiting)).toEqual(['ended', 'ended']);
  expect(performance.now() - started).toBeLessThan(1000);
  expect(control.truth()).toMatchObject({ transferCount: 0, requestCounts: { byEnding: { simulator_closed: 2 } } });
});
