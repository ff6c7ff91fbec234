import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { openSimulator } from '../../test/client.ts';
import { simulatorApplicationId } from '../index.ts';

const companyOfSimulator = 'c0a8e1d4-92b6-4f0e-8d3b-7a41f2c69e55';

describe('over HTTP', () => {
  it('GET /__sim lists operations, and each of them exists', async () => {
    const { client } = await openSimulator();
    const { operations } = (await client.get('/__sim', {})).body as { operations: string[] };
    expect(operations.length).toBeGreaterThan(10);
    for (const operation of operations) {
      const [method = '', path = ''] = operation.split(' ');
      if (method === 'DELETE') continue;
      const { status } = method === 'GET' ? await client.get(path, {}) : await client.post(path, {}, {});
      expect([operation, status]).not.toEqual([operation, 404]);
    }
    expect((await client.get('/__sim/nothing', {})).status).toBe(404);
  });

  it('balances, rates, availability, time, faults and truth are set and read', async () => {
    const { client, url } = await openSimulator();
    const post = async (operation: string, body: unknown) => (await client.post(`/__sim/${operation}`, body, {})).status;
    expect(await post('balance', { country: 'CMR', balance: '70000', reservedBalance: 1 })).toBe(200);
    expect(await post('rate', { from: 'XAF', to: 'XOF', rate: 2 })).toBe(200);
    expect(await post('time-scale', { timeScale: 20 })).toBe(200);
    expect(await post('caching', { caching: false })).toBe(200);
    expect(await post('limit', { limit: 50 })).toBe(200);
    expect(await post('applications', { apiKey: 'kpay_test_b', secretKey: 's' })).toBe(200);
    expect(await post('faults', { times: 1, fault: { kind: 'burn_id' } })).toBe(200);
    expect(await post('revoke-tokens', {})).toBe(200);
    expect(await post('rotate-keys', { apiKey: 'kpay_test_simulator', secretKey: 'simulator-secret' })).toBe(200);
    expect(
      await post('availability', { country: 'CMR', provider: 'ORANGE_CMR', operationType: 'PAYOUT', status: 'CLOSED' }),
    ).toBe(200);
    expect((await client.transfer({ destinationCountry: 'SEN', amount: 500 })).body).toMatchObject({
      exchangeRate: 2,
      destinationTransaction: { amount: 1000 },
    });
    expect((await client.get('/__sim/faults', {})).body).toMatchObject([{ id: 1, fired: 0, rule: { times: 1 } }]);
    expect((await fetch(`${url}/__sim/faults/1`, { method: 'DELETE' })).status).toBe(200);
    expect((await fetch(`${url}/__sim/faults/1`, { method: 'DELETE' })).status).toBe(404);
    expect((await client.get('/__sim/truth?requests=0', {})).body).toMatchObject({ requests: [], transferCount: 1 });
    expect((await client.get('/__sim/money', {})).body).toEqual({ conserved: true, problems: [] });
    expect(await post('reset', {})).toBe(200);
    expect((await client.get('/__sim/truth', {})).body).toMatchObject({ transferCount: 0, transfers: [], requests: [] });
  });

  it.each([
    ['balance', { country: 'CMR', balance: -1 }, 'balance'],
    ['balance', { country: 'CMR', balance: 'much' }, 'balance'],
    ['balance', { country: 'CMR', balance: 0.5 }, 'balance'],
    ['balance', { country: 'XXX', balance: 1 }, 'country'],
    ['balance', { country: 'COD', balance: 1 }, 'currency'],
    ['balance', { country: 'CMR', balance: 1, applicationId: 'x' }, 'applicationId'],
    ['rate', { from: 'XAF', to: 'XOF', rate: 0 }, 'rate'],
    ['rate', { from: 'xaf', to: 'XOF', rate: 1 }, 'from'],
    ['time-scale', { timeScale: 0 }, 'timeScale'],
    ['clock', { advanceMs: -1 }, 'advanceMs'],
    ['time-scale', { timeScale: 'fast' }, 'timeScale'],
    ['limit', { limit: 1.5 }, 'limit'],
    ['limit', { limits: 1 }, 'limits'],
    ['applications', { apiKey: 'key', secretKey: 's' }, 'apiKey'],
    ['applications', { apiKey: 'kpay_test_x', secretKey: 's', wallets: [{ country: 'X', balance: 1 }] }, 'country'],
    ['applications', { apiKey: 'kpay_test_x', secretKey: 's', wallets: [{ country: 'CMR', balance: 0.5 }] }, 'balance'],
    ['applications', { apiKey: 'kpay_test_x', secretKey: 's', wallets: [{ country: 'CMR' }] }, 'wallets.0.balance'],
    ['faults', { fault: { kind: 'earthquake' } }, 'fault.kind'],
    ['faults', { fault: { kind: 'delay' } }, 'fault.delayMs'],
    ['faults', { probability: 2, fault: { kind: 'drop' } }, 'probability'],
    ['faults', { match: { endpoint: 'transfers' }, fault: { kind: 'drop' } }, 'match.endpoint'],
    ['undo-transfer', { id: 'x', status: 'LOST' }, 'status'],
  ])('%s %o is 400 and names %s', async (operation, body, field) => {
    const { client } = await openSimulator();
    const reply = await client.post(`/__sim/${operation}`, body, {});
    expect(reply.status).toBe(400);
    const messages = [(reply.body as { message: string | string[] }).message].flat();
    expect(messages[0]).toMatch(new RegExp(`^${field}: `));
  });

  it.each([
    ['host', 'kpay.example:8090'],
    ['host', '127.0.0.1.example'],
    ['origin', 'https://kpay.example'],
    ['origin', 'null'],
  ])('a request whose %s is %s is refused, so no web page can play with it', async (name, value) => {
    const { port, control } = await openSimulator();
    const status = await new Promise((resolve, reject) => {
      const options = { port, host: '127.0.0.1', method: 'POST', path: '/__sim/reset', headers: { [name]: value } };
      const sent = request(options, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.on('error', reject).end();
    });
    expect(status).toBe(403);
    expect(control.truth().transferCount).toBe(0);
  });
});

it('the truth is read page by page', async () => {
  const { client, control } = await openSimulator();
  const token = await client.token();
  for (let number = 1; number <= 5; number += 1) await client.transfer({ externalId: `n${number}` }, token);
  const ids = (query: object) => control.truth(query).transfers.map(({ externalId }) => externalId);
  expect(ids({ transfers: 2 })).toEqual(['n1', 'n2']);
  expect(ids({ transfers: 2, transfersAfter: 2 })).toEqual(['n3', 'n4']);
  expect(ids({ externalId: 'n5' })).toEqual(['n5']);
  expect(control.truth({ requests: 2 }).requests.map(({ sequence }) => sequence)).toEqual([5, 6]);
  expect(control.truth({ requestsAfter: 4 }).requests.map(({ sequence }) => sequence)).toEqual([5, 6]);
});

it('the log keeps the latest requests and counts all of them', async () => {
  const { client, control } = await openSimulator({ keptRequests: 10, limit: 1000 });
  for (let call = 0; call < 45; call += 1) await client.get('/api/v1/payments/me');
  const { requests, requestCounts } = control.truth();
  expect(requests.map(({ sequence }) => sequence)).toEqual([36, 37, 38, 39, 40, 41, 42, 43, 44, 45]);
  expect(requestCounts).toMatchObject({
    total: 45,
    byEndpoint: { me: 45 },
    mostInWindow: { [simulatorApplicationId]: 45 },
  });
});

it('a request is recorded with who sent it, what it asked and how it ended', async () => {
  const { client, control } = await openSimulator();
  await client.transfer({ externalId: 'x', applicationId: companyOfSimulator });
  expect(control.truth({ externalId: 'x' }).requests).toEqual([
    {
      sequence: 2,
      method: 'POST',
      path: '/api/wallets/transfer',
      endpoint: 'transfer',
      applicationId: simulatorApplicationId,
      externalId: 'x',
      receivedAt: expect.stringMatching(/Z$/),
      status: 403,
      ending: 'answered',
      fault: null,
      bodyHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    },
  ]);
});

it('a reset restores the opening wallets and forgets ids, rates, faults and limit', async () => {
  const { client, control } = await openSimulator({ limit: 4, applications: [{ apiKey: 'kpay_test_b', secretKey: 's' }] });
  const opened = control.truth().wallets;
  control.setRate({ from: 'XAF', to: 'XAF', rate: 3 });
  control.setBalance({ country: 'GAB', balance: 1 });
  const token = await client.token();
  await client.transfer({ externalId: 'x' }, token);
  control.addFault({ fault: { kind: 'unauthorized' } });
  control.reset();
  expect(control.truth()).toMatchObject({ wallets: opened, transferCount: 0, money: { conserved: true } });
  const replies = [await client.transfer({ externalId: 'x' }, token), await client.get('/api/v1/payments/me')];
  expect(replies[0]?.body).toMatchObject({ exchangeRate: 1 });
  expect(replies.map(({ status }) => status)).toEqual([201, 200]);
});

it('two applications cannot share a key or an id', async () => {
  const { control } = await openSimulator();
  expect(() => control.addApplication({ apiKey: 'kpay_test_simulator', secretKey: 's' })).toThrow(/apiKey/);
  expect(() => control.addApplication({ apiKey: 'kpay_test_x', secretKey: 's', id: simulatorApplicationId })).toThrow(/id/);
});
