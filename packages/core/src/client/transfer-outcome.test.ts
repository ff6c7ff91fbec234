import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RawRequest, type RawServer, startRawServer, TOKEN_ANSWER } from '../../test/raw-server.ts';
import { createTestClient, RECEIPT, type TestClient, TRANSFER } from '../../test/test-client.ts';
import { OutcomeUnknownError, RejectedError, type RetryableError } from '../errors.ts';
import { systemClock } from '../time/clock.ts';
import type { KpayClientOptions } from './client.ts';
import { transferBody } from './transfer-body.ts';

const FOREVER = { leaseExpiresAtMs: Number.POSITIVE_INFINITY };
const BODY = transferBody(TRANSFER);

let server: RawServer;
let onTransfer: (request: RawRequest) => void;
const opened: TestClient[] = [];

beforeEach(async () => {
  server = await startRawServer((request) => {
    if (request.path.endsWith('/token')) request.reply(201, TOKEN_ANSWER);
    else onTransfer(request);
  });
});
afterEach(async () => {
  await server.close();
  for (const { client } of opened.splice(0)) await client.close();
});

function open(overrides: Partial<KpayClientOptions> = {}, baseUrl: string = server.baseUrl): TestClient {
  const opening = createTestClient(baseUrl, overrides);
  opened.push(opening);
  return opening;
}

/** Sends one transfer and answers what was thrown, or the receipt. */
async function outcome({ client }: TestClient): Promise<unknown> {
  const permit = await client.prepareTransfer({ lane: 'money' });
  return permit.send(BODY, FOREVER).catch((error: unknown) => error);
}

function transfersReceived(): RawRequest[] {
  return server.requests.filter(({ path }) => path === '/api/wallets/transfer');
}

describe('an answer to a transfer', () => {
  it('that is a whole 201 gives the receipt, exact to the last digit', async () => {
    onTransfer = (request) =>
      request.reply(201, {
        ...RECEIPT,
        exchangeRate: 1.0153,
        destinationTransaction: { ...RECEIPT.destinationTransaction, amount: 50765, currency: 'XOF' },
      });
    const receipt = await outcome(open());
    expect(receipt).toMatchObject({
      id: 'wt_1',
      externalId: TRANSFER.externalId,
      exchangeRate: '1.0153',
      sourceTransaction: { amount: { amountMinor: 50_000n, currency: 'XAF' }, country: 'CMR' },
      destinationTransaction: { amount: { amountMinor: 50_765n, currency: 'XOF' } },
      createdAt: '2026-11-24T00:00:00.000Z',
    });
    const [sent] = transfersReceived();
    expect(sent?.body).toBe(BODY);
    expect(sent?.headers.authorization).toBe(`Bearer ${TOKEN_ANSWER.accessToken}`);
    expect(sent?.headers).not.toHaveProperty('x-secret-key');
  });

  it('that is a 201 with nothing but an id is a receipt: nothing else is sure to come', async () => {
    onTransfer = (request) => request.reply(201, { id: 'wt_2', exchangeRate: 'about one', sourceTransaction: 'later' });
    expect(await outcome(open())).toMatchObject({ id: 'wt_2', exchangeRate: null, sourceTransaction: null, createdAt: null });
  });

  it.each([400, 401, 403, 404, 409, 422])('that is a %i is a refusal', async (status) => {
    onTransfer = (request) => request.reply(status, { statusCode: status, message: ['solde insuffisant', 'no'], error: 'x' });
    const error = await outcome(open());
    expect(error).toBeInstanceOf(RejectedError);
    expect(error).toMatchObject({ status, detail: 'solde insuffisant; no' });
    expect(transfersReceived()).toHaveLength(1);
  });

  it.each([
    [400, '<html>Bad request</html>'],
    [403, '{"message":"blocked by the firewall"}'],
    [404, '<?xml version="1.0"?><Error/>'],
    [404, '{"statusCode":404}'],
    [409, '{"statusCode":404,"message":"about another status"}'],
    [401, ''],
    [422, 'null'],
  ])('that is a %i without KPay’s envelope (%s) is unknown', async (status, body) => {
    onTransfer = (request) => request.reply(status, body);
    expect(await outcome(open())).toMatchObject({ name: 'OutcomeUnknownError', reason: 'unexpected_status', status });
    expect(transfersReceived()).toHaveLength(1);
  });

  it.each(['FAILED', 'PENDING', 'pending', '', 'SUCCESS?', 7, true, { code: 1 }])(
    'that is a 201 with the status %j is no success',
    async (status) => {
      onTransfer = (request) => request.reply(201, { ...RECEIPT, status });
      expect(await outcome(open())).toMatchObject({ name: 'OutcomeUnknownError', reason: 'not_completed', status: 201 });
    },
  );

  it('that is a 201 with a leg that is no success is no success', async () => {
    onTransfer = (request) =>
      request.reply(201, { ...RECEIPT, destinationTransaction: { ...RECEIPT.destinationTransaction, status: 'FAILED' } });
    expect(await outcome(open())).toMatchObject({ reason: 'not_completed', detail: 'FAILED (its id there: wt_1)' });
  });

  it('that is a 201 without an id is no success either when it says so', async () => {
    onTransfer = (request) => request.reply(201, { status: 'FAILED' });
    expect(await outcome(open())).toMatchObject({ name: 'OutcomeUnknownError', reason: 'not_completed', detail: 'FAILED' });
    onTransfer = (request) => request.reply(201, { ...RECEIPT, status: 'PENDING' });
    expect(await outcome(open())).toMatchObject({ reason: 'not_completed', detail: 'PENDING (its id there: wt_1)' });
    onTransfer = (request) => request.reply(201, { status: 'FAILED', externalId: 'somebody-elses' });
    expect(await outcome(open())).toMatchObject({ name: 'OutcomeUnknownError', reason: 'unreadable' });
  });

  it.each(['COMPLETED', 'completed', 'SUCCESS', null])('that is a 201 with the status %j is a receipt', async (status) => {
    onTransfer = (request) => request.reply(201, { ...RECEIPT, status });
    expect(await outcome(open())).toMatchObject({ id: 'wt_1', notCompleted: null });
  });

  it('that is a 201 about another externalId is no answer to this transfer', async () => {
    onTransfer = (request) => request.reply(201, { ...RECEIPT, externalId: 'somebody-elses' });
    expect(await outcome(open())).toMatchObject({ name: 'OutcomeUnknownError', reason: 'unreadable' });
  });

  it('carries no text that a store refuses', async () => {
    const poison = `a\u0000b${String.fromCharCode(0xd800)}c`;
    onTransfer = (request) => request.reply(422, { statusCode: 422, message: poison });
    expect(await outcome(open())).toMatchObject({ status: 422, detail: 'a\uFFFDb\uFFFDc' });
    onTransfer = (request) => request.reply(201, { id: poison, createdAt: poison, exchangeRate: 1e-45 });
    const receipt = await outcome(open());
    expect(receipt).toMatchObject({ id: 'a\uFFFDb\uFFFDc', createdAt: 'a\uFFFDb\uFFFDc', exchangeRate: null });
  });

  it('that is a 429 did nothing, and stops the budget for as long as it says', async () => {
    onTransfer = (request) => request.reply(429, { message: 'slow down' }, { 'retry-after': '7' });
    const testClient = open();
    expect(await outcome(testClient)).toMatchObject({ name: 'RetryableError', reason: 'rate_limited', retryAfterMs: 7_000 });
    const next = await testClient.budget.take('people', { maxWaitMs: 5_000 }).catch((error: unknown) => error);
    expect(next).toMatchObject({ reason: 'no_budget' });
    expect((next as RetryableError).retryAfterMs).toBeGreaterThan(6_000);
  });

  it.each([
    [500, 'server_error'],
    [502, 'server_error'],
    [503, 'server_error'],
    [504, 'server_error'],
    [200, 'unexpected_status'],
    [202, 'unexpected_status'],
    [204, 'unexpected_status'],
    [301, 'unexpected_status'],
    [307, 'unexpected_status'],
    [402, 'unexpected_status'],
    [408, 'unexpected_status'],
    [425, 'unexpected_status'],
  ])('that is a %i is unknown, whatever it carries, and is not followed', async (status, reason) => {
    onTransfer = (request) => request.reply(status, status === 204 ? '' : RECEIPT, { location: `${server.baseUrl}/elsewhere` });
    const error = await outcome(open());
    expect(error).toBeInstanceOf(OutcomeUnknownError);
    expect(error).toMatchObject({ reason, status });
    expect(server.requests.filter(({ path }) => !path.endsWith('/token'))).toHaveLength(1);
  });

  it.each([
    ['HTML', '<html>created</html>'],
    ['nothing', ''],
    ['broken JSON', '{"id":"wt_1"'],
    ['an array', '[{"id":"wt_1"}]'],
    ['no id', '{"ok":true}'],
    ['null', 'null'],
  ])('that is a 201 with %s is unknown', async (_what, body) => {
    onTransfer = (request) => request.reply(201, body);
    expect(await outcome(open())).toMatchObject({ name: 'OutcomeUnknownError', reason: 'unreadable', status: 201 });
  });

  it.each([201, 422])('that is a %i longer than a megabyte is unknown: it was not read whole', async (status) => {
    onTransfer = (request) => request.reply(status, { ...RECEIPT, description: 'x'.repeat(1024 * 1024) });
    expect(await outcome(open())).toMatchObject({ name: 'OutcomeUnknownError', reason: 'unreadable', status });
  });

  it.each([201, 400, 422, 429])('that is a %i which breaks off is unknown', async (status) => {
    onTransfer = ({ socket }) => {
      socket.write(`HTTP/1.1 ${status} Status\r\ncontent-length: 500\r\n\r\n{"id":"wt_1"`);
      socket.end();
    };
    expect(await outcome(open())).toMatchObject({ name: 'OutcomeUnknownError', reason: 'connection_lost' });
  });
});

describe('a transfer without an answer', () => {
  it('is unknown when the connection is reset after it was read, and is not repeated', async () => {
    onTransfer = ({ socket }) => socket.resetAndDestroy();
    expect(await outcome(open())).toMatchObject({ name: 'OutcomeUnknownError', reason: 'connection_lost' });
    expect(transfersReceived()).toHaveLength(1);
  });

  it('is unknown when the server closes without a word', async () => {
    onTransfer = ({ socket }) => socket.end();
    expect(await outcome(open())).toMatchObject({ name: 'OutcomeUnknownError', reason: 'connection_lost' });
    expect(transfersReceived()).toHaveLength(1);
  });

  it('is unknown when a kept-alive connection dies under it, though perhaps unread', async () => {
    const testClient = open();
    onTransfer = (request) => request.reply(201, RECEIPT);
    expect(await outcome(testClient)).toMatchObject({ id: 'wt_1' });
    const connectionsBefore = server.connections;
    onTransfer = ({ socket }) => socket.resetAndDestroy();
    expect(await outcome(testClient)).toMatchObject({ name: 'OutcomeUnknownError', reason: 'connection_lost' });
    expect(server.connections).toBe(connectionsBefore);
    expect(transfersReceived()).toHaveLength(2);
  });

  it('is unknown when it times out', async () => {
    onTransfer = () => {};
    expect(await outcome(open({ totalTimeoutMs: 150 }))).toMatchObject({ name: 'OutcomeUnknownError', reason: 'timeout' });
  });

  it('is unknown when the body never ends', async () => {
    onTransfer = ({ socket }) => socket.write('HTTP/1.1 201 Created\r\ncontent-length: 500\r\n\r\n{"id":');
    expect(await outcome(open({ totalTimeoutMs: 150 }))).toMatchObject({ name: 'OutcomeUnknownError', reason: 'timeout' });
  });

  it('is unknown when only 100 Continue came', async () => {
    onTransfer = ({ socket }) => socket.end('HTTP/1.1 100 Continue\r\n\r\n');
    expect(await outcome(open())).toMatchObject({ name: 'OutcomeUnknownError', reason: 'connection_lost' });
  });

  it('counts in the budget although nothing came back', async () => {
    onTransfer = ({ socket }) => socket.resetAndDestroy();
    const testClient = open();
    await outcome(testClient);
    expect(await testClient.budget.remaining()).toBe(998);
  });
});

describe('a transfer that is surely unsent', () => {
  /** A client whose token is cached already, so that only the transfer meets the broken address. */
  async function withToken(overrides: Partial<KpayClientOptions>, baseUrl: string): Promise<TestClient> {
    const testClient = open({ ...overrides, tokens: fixedToken() }, baseUrl);
    return testClient;
  }

  it.each([
    ['refused', 'http://127.0.0.1:1'],
    ['to a name that does not resolve', 'http://kpay.invalid'],
  ])('is retryable and costs no budget: a connection %s', async (_what, baseUrl) => {
    const testClient = await withToken({}, baseUrl);
    expect(await outcome(testClient)).toMatchObject({ name: 'RetryableError', reason: 'not_connected' });
    expect(await testClient.budget.remaining()).toBe(1_000);
  });

  it('is retryable when TLS is not established: the request waits for the handshake', async () => {
    const received: Buffer[] = [];
    const plain = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        received.push(chunk);
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      });
    });
    const port = await listen(plain);
    try {
      const testClient = await withToken({}, `https://127.0.0.1:${port}`);
      expect(await outcome(testClient)).toMatchObject({ name: 'RetryableError', reason: 'not_connected' });
      expect(Buffer.concat(received).includes('externalId')).toBe(false);
    } finally {
      plain.close();
    }
  });

  it('is retryable when it connects only after the total timeout; nothing is written', async () => {
    const received: Buffer[] = [];
    // TLS that never answers: connected below, never established above.
    const silent = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => received.push(chunk));
    });
    const port = await listen(silent);
    try {
      const testClient = await withToken({ totalTimeoutMs: 200, connectTimeoutMs: 400 }, `https://127.0.0.1:${port}`);
      expect(await outcome(testClient)).toMatchObject({ name: 'RetryableError', reason: 'not_connected' });
      expect(await testClient.budget.remaining()).toBe(1_000);
    } finally {
      silent.close();
    }
  });

  it('is retryable when a lease is too short, and not a byte of it is written', async () => {
    onTransfer = (request) => request.reply(201, RECEIPT);
    const testClient = open();
    const permit = await testClient.client.prepareTransfer({ lane: 'money' });
    const leaseExpiresAtMs = systemClock.monotonicMs() + 19_900;
    const error = await permit.send(BODY, { leaseExpiresAtMs }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'RetryableError', reason: 'lease_too_short' });
    expect(transfersReceived()).toHaveLength(0);
    expect(await testClient.budget.remaining()).toBe(999);
    expect(testClient.calls.at(-1)).toMatchObject({ endpoint: 'transfer', outcome: 'lease_too_short' });
  });

  it('judges the lease when it writes, not when it began: connecting takes time', async () => {
    onTransfer = (request) => request.reply(201, RECEIPT);
    let aheadMs = 0;
    const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs };
    const testClient = open({ clock, tokens: fixedToken() });
    const permit = await testClient.client.prepareTransfer({ lane: 'money' });
    const sending = permit.send(BODY, { leaseExpiresAtMs: clock.monotonicMs() + 45_000 });
    // The process stands still between the call and the connection.
    aheadMs = 26_000;
    await expect(sending).rejects.toMatchObject({ reason: 'lease_too_short' });
    expect(transfersReceived()).toHaveLength(0);
  });

  it('is retryable when its token has expired meanwhile', async () => {
    let aheadMs = 0;
    const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs };
    const testClient = open({ clock, tokens: fixedToken(30_000) });
    const permit = await testClient.client.prepareTransfer({ lane: 'money' });
    aheadMs = 31_000;
    await expect(permit.send(BODY, FOREVER)).rejects.toMatchObject({ reason: 'lease_too_short' });
    expect(transfersReceived()).toHaveLength(0);
  });

  it('is retryable when the slot was held for too long', async () => {
    onTransfer = (request) => request.reply(201, RECEIPT);
    let aheadMs = 0;
    const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs };
    const testClient = open({ clock });
    const permit = await testClient.client.prepareTransfer({ lane: 'money' });
    aheadMs = 41_000;
    await expect(permit.send(BODY, FOREVER)).rejects.toMatchObject({ reason: 'lease_too_short' });
    expect(transfersReceived()).toHaveLength(0);
  });
});

describe('a permit', () => {
  it('sends once', async () => {
    onTransfer = (request) => request.reply(201, RECEIPT);
    const { client } = open();
    const permit = await client.prepareTransfer({ lane: 'money' });
    await permit.send(BODY, FOREVER);
    await expect(permit.send(BODY, FOREVER)).rejects.toThrow('used before');
    expect(transfersReceived()).toHaveLength(1);
  });

  it('gives its slot back unsent, once, and never after a send', async () => {
    onTransfer = (request) => request.reply(201, RECEIPT);
    const { client, budget } = open();
    const released = await client.prepareTransfer({ lane: 'money' });
    expect(await budget.remaining()).toBe(998);
    await released.release();
    await released.release();
    expect(await budget.remaining()).toBe(999);
    await expect(released.send(BODY, FOREVER)).rejects.toThrow('used before');

    const sent = await client.prepareTransfer({ lane: 'money' });
    await sent.send(BODY, FOREVER);
    await sent.release();
    expect(await budget.remaining()).toBe(998);
  });
});

it('transfer() gets a new token after a 401 and sends the same body once more', async () => {
  let tokens = 0;
  const strict = await startRawServer((request) => {
    if (request.path.endsWith('/token')) {
      tokens += 1;
      request.reply(201, { ...TOKEN_ANSWER, accessToken: `token-number-${tokens}` });
    } else if (request.headers.authorization === 'Bearer token-number-1')
      request.reply(401, { statusCode: 401, message: 'jwt expired' });
    else request.reply(201, RECEIPT);
  });
  try {
    const { client } = open({}, strict.baseUrl);
    expect(await client.transfer(TRANSFER, { lane: 'money' })).toMatchObject({ id: 'wt_1' });
    const bodies = strict.requests.filter(({ path }) => path === '/api/wallets/transfer').map(({ body }) => body);
    expect(bodies).toEqual([BODY, BODY]);
    expect(tokens).toBe(2);
  } finally {
    await strict.close();
  }
});

it('transfers at the same time never share a connection before its answer came', async () => {
  const waiting: RawRequest[] = [];
  onTransfer = (request) => {
    waiting.push(request);
    if (waiting.length === 10) for (const each of waiting) each.reply(201, RECEIPT);
  };
  const { client } = open();
  await client.accessToken({ lane: 'money' });
  await Promise.all(Array.from({ length: 10 }, () => client.transfer(TRANSFER, { lane: 'money' })));
  expect(new Set(waiting.map(({ socket }) => socket)).size).toBe(10);
});

function fixedToken(lifetimeMs = 1_800_000): KpayClientOptions['tokens'] {
  const entry = {
    text: JSON.stringify({ accessToken: 'cached-token-value', lifetimeMs }),
    askedAtMs: Date.now(),
    answeredAtMs: Date.now(),
  };
  return {
    read: async () => entry,
    lock: async () => ({ locked: false, entry }),
    write: async () => {},
    unlock: async () => {},
    forget: async () => {},
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : 0);
    });
  });
}
