import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type KpayAccount, systemClock } from '@kpay/core';
import { createRestProducer, type EnqueuedTransfer, type RestProducerOptions } from '@kpay/producer/rest';
import { simulatorApiKey, simulatorSecretKey } from '@kpay/simulator';
import { createTcpProxy, eventually } from '@kpay/testkit';
import { advanceTransfer, openAccount, openLedgerEpoch, pinAccount, type TransferEngine } from '@kpay/transfers/worker';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryEpochWitness } from '../../../packages/transfers/test/memory-epoch-witness.ts';
import { adminToken, type RunningApi, startApi } from './running-api.ts';
import { openTestLedger } from './test-ledger.ts';

let api: RunningApi;
let account: KpayAccount;
let engine: TransferEngine;
beforeAll(async () => {
  api = await startApi(await openTestLedger());
  const keys = { apiKey: simulatorApiKey, secretKey: simulatorSecretKey, baseUrl: api.simulator.url };
  account = openAccount({ name: 'default', ...keys, environment: 'TEST', rateLimitPerMinute: 100_000 });
  engine = {
    ledger: api.ledger,
    account,
    pin: await pinAccount(api.ledger, account),
    epoch: await openLedgerEpoch({ ledger: api.ledger, witness: createMemoryEpochWitness(), clock: systemClock }),
    checks: [],
    clock: systemClock,
    worker: 'worker-1',
    conflictConfirmMs: 60_000,
    random: () => 1,
    onAlarm: () => {},
  };
}, 60_000);
beforeEach(() => api.empty());
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(async () => {
  await account.close();
  await api.close();
});

const request = { externalId: 'order-1', sourceCountry: 'CMR', destinationCountry: 'GAB', amount: 50_000 };
const recorded = async () => (await api.ledger.db.selectFrom('kpay.transfers').selectAll().execute()).length;

function open(options: Partial<RestProducerOptions> = {}) {
  const producer = createRestProducer({ account: 'default', baseUrl: api.url, token: adminToken, ...options });
  closers.push(producer.close);
  return producer;
}

/** Does a worker's part: sends a transfer to the simulated KPay. */
const send = async (transfer: EnqueuedTransfer) => {
  const { transferId } = await transfer.accepted();
  await advanceTransfer(engine, transferId, new AbortController().signal);
};

/** A key with only these scopes. */
async function keyWith(scopes: string[], more: object = {}): Promise<string> {
  const { status, text, body } = await api.ask('/v1/api-keys', {
    body: { name: 'a service', owner: 'service', scopes, ...more },
  });
  expect(status, text).toBe(201);
  return String(body.key);
}

/** Passes requests to the API, and while enabled cuts the connection at the first byte of an answer. */
async function loseAnswers() {
  let lost = 0;
  let left = 0;
  const target = Number(new URL(api.url).port);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => {}));
    client.pipe(upstream);
    upstream.on('data', (data) => {
      if (left === 0) return void client.write(data);
      left -= 1;
      lost += 1;
      client.resetAndDestroy();
    });
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lose: (answers: number) => {
      left = answers;
    },
    lost: () => lost,
  };
}

describe('a transfer by REST', () => {
  it('is durable when enqueue() returns, and its end is heard', async () => {
    const producer = open();
    const transfer = await producer.enqueue(request);
    const { transferId } = await transfer.accepted();
    expect(await producer.get('order-1')).toMatchObject({ status: 'accepted', state: 'queued', moneyMoved: 'no', transferId });
    const finished = transfer.finished();
    await send(transfer);
    const result = await finished;
    expect(result).toEqual({
      transferId,
      state: 'succeeded',
      kpayTransferId: expect.any(String),
      exchangeRate: '1',
      destinationAmount: '50000',
    });
    expect(await transfer.finished()).toEqual(result);
    expect(await producer.get(' order-1 ')).toMatchObject({ status: 'succeeded', moneyMoved: 'yes', result });
    expect(await producer.get('order-2')).toBeUndefined();
    expect(api.simulator.control.truth().transferCount).toBe(1);
  });

  it('hears of all ends by one event stream; reading would find them a minute later', async () => {
    const COUNT = 5;
    const away = { code: 'ledger_unavailable', detail: 'The ledger cannot be reached.', safeToRetry: true };
    let streams = 0;
    let reads = 0;
    let sent = false;
    const fetch: typeof globalThis.fetch = async (url, init) => {
      if (String(url).endsWith('/v1/stream')) return globalThis.fetch(url, init).finally(() => (streams += 1));
      if (init?.method !== 'GET' || !String(url).includes('/v1/transfers/')) return globalThis.fetch(url, init);
      reads += 1;
      return sent ? globalThis.fetch(url, init) : Response.json(away, { status: 503, headers: { 'retry-after': '60' } });
    };
    const producer = open({ fetch });
    const transfers: EnqueuedTransfer[] = [];
    for (let n = 0; n < COUNT; n++) transfers.push(await producer.enqueue({ ...request, externalId: `order-${n}` }));
    const finished = Promise.all(transfers.map((transfer) => transfer.finished()));
    await eventually(() => expect({ streams, reads }).toEqual({ streams: 1, reads: COUNT }));
    sent = true;
    for (const transfer of transfers) await send(transfer);
    expect(await finished).toHaveLength(COUNT);
    expect({ streams, reads }).toEqual({ streams: 1, reads: 2 * COUNT });
  });

  it('hears of an end that came while its event stream was broken', async () => {
    const away = { code: 'ledger_unavailable', detail: 'The ledger cannot be reached.', safeToRetry: true };
    const broken = Promise.withResolvers<void>();
    const goesOn = Promise.withResolvers<void>();
    const resumedAt: (string | null)[] = [];
    let sent = false;
    let reads = 0;
    const fetch: typeof globalThis.fetch = async (url, init) => {
      if (String(url).endsWith('/v1/stream')) {
        resumedAt.push(new Headers(init?.headers).get('last-event-id'));
        if (resumedAt.length > 1) {
          await goesOn.promise;
          return globalThis.fetch(url, init);
        }
        const response = await globalThis.fetch(url, init);
        const first = await response.body?.getReader().read();
        broken.resolve();
        return new Response(first?.value, response);
      }
      if (sent || !String(url).includes('/v1/transfers/')) return globalThis.fetch(url, init);
      reads += 1;
      return Response.json(away, { status: 503, headers: { 'retry-after': '60' } });
    };
    const transfer = await open({ fetch }).enqueue(request);
    const finished = transfer.finished();
    await broken.promise;
    await eventually(() => expect(reads).toBe(1));
    await send(transfer);
    sent = true;
    goesOn.resolve();
    expect(await finished).toMatchObject({ state: 'succeeded' });
    expect(resumedAt).toEqual([null, expect.stringMatching(/^\d+$/)]);
  });

  it('is the same transfer enqueued again by any producer; another one is refused', async () => {
    const first = await (await open().enqueue(request)).accepted();
    expect(await (await open().enqueue({ ...request, amount: '50000.00' })).accepted()).toEqual(first);
    await expect(open().enqueue({ ...request, amount: 60_000 })).rejects.toMatchObject({
      name: 'TransferFailedError',
      code: 'transfer_failed',
      reasonCode: 'idempotency_conflict',
      externalId: 'order-1',
      transferId: undefined,
    });
    expect(await recorded()).toBe(1);
  });

  it('gets an externalId where it has none; any text can be one', async () => {
    const { externalId: _, ...anonymous } = request;
    const producer = open();
    const { externalId } = await producer.enqueue(anonymous);
    expect(externalId).toMatch(/^[0-9a-f-]{36}$/);
    for (const name of ['payroll 2026/11', 'é'.repeat(128), 'order 💸', 'a&b=c#d']) {
      const transfer = await producer.enqueue({ ...request, externalId: name });
      expect(await producer.get(name)).toMatchObject({ externalId: name, ...(await transfer.accepted()) });
      expect(await (await producer.enqueue({ ...request, externalId: name })).accepted()).toEqual(await transfer.accepted());
    }
    expect(await recorded()).toBe(5);
  });

  it('ends as TransferFailedError with the reason and its code', async () => {
    const producer = open();
    const transfer = await producer.enqueue(request);
    const finished = transfer.finished();
    const { transferId } = await transfer.accepted();
    expect((await api.ask(`/v1/transfers/${transferId}/cancel`, { method: 'POST', body: { reason: 'by ann' } })).status).toBe(
      200,
    );
    const failure = await finished.catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'TransferFailedError', reasonCode: 'cancelled', transferId, externalId: 'order-1' });
    expect(String(failure)).toContain('by ann');
    expect(JSON.parse(JSON.stringify(failure))).toMatchObject({ code: 'transfer_failed', reasonCode: 'cancelled' });
    expect(await producer.get('order-1')).toMatchObject({ status: 'failed', state: 'cancelled', moneyMoved: 'no' });
  });

  it('names the field that the API refuses', async () => {
    for (const [field, change] of [
      ['amount', { amount: 5 }],
      ['sourceCountry', { sourceCountry: 'XXX' }],
      ['destinationCountry', { destinationCountry: 'CMR' }],
    ] as const) {
      const refused = open().enqueue({ ...request, ...change });
      await expect(refused).rejects.toMatchObject({ name: 'InvalidTransferRequestError', field, externalId: 'order-1' });
    }
    await expect(open({ account: 'nobody' }).enqueue(request)).rejects.toMatchObject({ field: 'account' });
    expect(await recorded()).toBe(0);
  });
});

describe('a key', () => {
  it('that nobody knows is AccessDeniedError, and in no message', async () => {
    for (const call of [
      () => open({ token: 'a-wrong-key' }).enqueue(request),
      () => open({ token: 'a-wrong-key' }).get('order-1'),
    ]) {
      const error = await call().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: 'AccessDeniedError', code: 'access_denied', status: 401, externalId: 'order-1' });
      expect(`${String(error)}${JSON.stringify(error)}`).not.toContain('a-wrong-key');
    }
  });

  it('that may only create enqueues; the wait and get() say that they need more', async () => {
    const producer = open({ token: await keyWith(['transfers:create']) });
    const transfer = await producer.enqueue(request);
    await transfer.accepted();
    const denied = { name: 'AccessDeniedError', status: 403, externalId: 'order-1' };
    await expect(producer.get('order-1')).rejects.toMatchObject(denied);
    await expect(transfer.finished()).rejects.toMatchObject(denied);
  });

  it('that may only read enqueues nothing', async () => {
    await expect(open({ token: await keyWith(['read']) }).enqueue(request)).rejects.toMatchObject({
      code: 'access_denied',
      status: 403,
    });
    expect(await recorded()).toBe(0);
  });

  it('may come from a function, and change', async () => {
    let token = 'an-old-key';
    const producer = open({ token: async () => token });
    await expect(producer.enqueue(request)).rejects.toMatchObject({ status: 401 });
    token = adminToken;
    await producer.enqueue(request);
  });
});

describe('without an answer', () => {
  it('the same request goes out again, and is one transfer', async () => {
    const { baseUrl, lose, lost } = await loseAnswers();
    lose(2);
    const producer = open({ baseUrl });
    const transfer = await producer.enqueue(request);
    expect(lost()).toBe(2);
    expect(await recorded()).toBe(1);
    expect(await producer.get('order-1')).toMatchObject(await transfer.accepted());
  });

  it('it says that repeating is safe, and a repeat finds what the first one made', async () => {
    const { baseUrl, lose } = await loseAnswers();
    const producer = open({ baseUrl, maxRetries: 0 });
    lose(1);
    const { externalId: _, ...anonymous } = request;
    const error = await producer.enqueue(anonymous).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'UnavailableError',
      code: 'unavailable',
      externalId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(String(error)).toContain('nothing is known to be enqueued, repeating with externalId');
    const { externalId } = error as { externalId: string };
    await producer.enqueue({ ...request, externalId });
    expect(await recorded()).toBe(1);
  });

  it('a silent API is given up after timeoutMs', async () => {
    const proxy = await createTcpProxy({ target: { host: '127.0.0.1', port: Number(new URL(api.url).port) } });
    closers.push(proxy.close);
    proxy.drop();
    const producer = open({ baseUrl: `http://127.0.0.1:${proxy.port}`, timeoutMs: 200, maxRetries: 1 });
    await expect(producer.enqueue(request)).rejects.toThrow('no answer within 200 ms');
    proxy.resume();
    await producer.enqueue(request);
  });

  it('a wait goes on through a restart of the API', async () => {
    const proxy = await createTcpProxy({ target: { host: '127.0.0.1', port: Number(new URL(api.url).port) } });
    closers.push(proxy.close);
    const producer = open({ baseUrl: `http://127.0.0.1:${proxy.port}`, maxRetries: 0 });
    const transfer = await producer.enqueue(request);
    const finished = transfer.finished();
    await eventually(() => expect(proxy.connections()).toBeGreaterThan(0));
    proxy.refuse();
    await expect(producer.get('order-1')).rejects.toMatchObject({ code: 'unavailable' });
    await expect(transfer.finished({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'wait_timed_out' });
    await send(transfer);
    proxy.resume();
    expect(await finished).toMatchObject({ state: 'succeeded' });
    expect(api.simulator.control.truth().transferCount).toBe(1);
  });

  it('closing ends a wait and a call at once', async () => {
    const proxy = await createTcpProxy({ target: { host: '127.0.0.1', port: Number(new URL(api.url).port) } });
    closers.push(proxy.close);
    const producer = open({ baseUrl: `http://127.0.0.1:${proxy.port}` });
    const transfer = await producer.enqueue(request);
    const finished = expect(transfer.finished()).rejects.toMatchObject({ code: 'closed' });
    proxy.drop();
    const enqueued = expect(producer.enqueue({ ...request, externalId: 'order-2' })).rejects.toMatchObject({ code: 'closed' });
    await producer.close();
    await finished;
    await enqueued;
    await expect(transfer.accepted()).rejects.toMatchObject({ code: 'closed' });
  });

  it('a wait refuses mistyped options, times out and is aborted as by queue', async () => {
    const transfer = await open().enqueue(request);
    await expect(transfer.finished(5 as never)).rejects.toMatchObject({ code: 'invalid_argument', argument: 'options' });
    await expect(transfer.finished({ timeoutMs: 20 })).rejects.toMatchObject({ code: 'wait_timed_out', externalId: 'order-1' });
    const reason = new Error('shutting down');
    await expect(transfer.finished({ signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
      name: 'AbortError',
      cause: reason,
    });
    const later = new AbortController();
    const aborted = expect(transfer.finished({ signal: later.signal })).rejects.toMatchObject({ code: 'aborted' });
    later.abort();
    await aborted;
  });
});

describe('too many requests', () => {
  it('end as UnavailableError, with how long to wait, where that is long', async () => {
    const token = await keyWith(['transfers:create', 'read'], { requestsPerMinute: 3 });
    const producer = open({ token, maxRetries: 0 });
    for (let n = 0; n < 3; n++) await producer.enqueue({ ...request, externalId: `order-${n}` });
    const error = await producer.enqueue({ ...request, externalId: 'order-3' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'UnavailableError', externalId: 'order-3', retryAfterMs: expect.any(Number) });
    expect(String(error)).toContain('answered 429, too_many_requests');
    const { retryAfterMs } = error as { retryAfterMs: number };
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  it('are waited out as the API says, if short; the repeat has the same key', async () => {
    const keys: (string | null)[] = [];
    const fetch: typeof globalThis.fetch = async (url, init) => {
      keys.push(new Headers(init?.headers).get('idempotency-key'));
      if (keys.length > 1) return globalThis.fetch(url, init);
      return Response.json({ code: 'too_many_requests', detail: '' }, { status: 429, headers: { 'retry-after': '1' } });
    };
    const startedAt = performance.now();
    await open({ fetch }).enqueue(request);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990);
    expect(keys).toEqual(['order-1', 'order-1']);
  });
});

describe('an address that is not the admin API', () => {
  it('is told by what it answers, and sent nothing twice', async () => {
    let asked = 0;
    const fetch = async () => {
      asked += 1;
      return new Response('<html>sign in</html>', { status: 404, headers: { 'content-type': 'text/html' } });
    };
    await expect(open({ fetch }).enqueue(request)).rejects.toThrow(
      'answered 404, which is no answer of the admin API: check baseUrl',
    );
    expect(asked).toBe(1);
    const page = async () => new Response('<html>sign in</html>', { status: 200 });
    await expect(open({ fetch: page, maxRetries: 0 }).enqueue(request)).rejects.toThrow('answered 200 with what is no transfer');
    const endless = async () => new Response(new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(65_536)) }));
    await expect(open({ fetch: endless }).enqueue(request)).rejects.toThrow('answered far more than a transfer');
    await expect(open({ baseUrl: `${api.url}/elsewhere` }).enqueue(request)).rejects.toMatchObject({ code: 'unavailable' });
    const moved = async () => Response.redirect('http://127.0.0.1:1/', 302);
    await expect(open({ fetch: moved }).enqueue(request)).rejects.toThrow('answered 302');
  });
});
