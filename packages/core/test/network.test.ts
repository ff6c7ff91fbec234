import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, MockAgent, RetryAgent } from 'undici';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { VERSION } from '../src/client/version.ts';
import { Kpay, type KpayOptions, type RequestEvent, type ResponseEvent, transferBody } from '../src/index.ts';
import { type RawRequest, type RawServer, startRawServer, TOKEN_ANSWER } from './raw-server.ts';
import { RECEIPT, TRANSFER } from './test-client.ts';

const KEYS = { apiKey: 'kpay_test_network', secretKey: 'a-secret-of-tests' };
const ROWS = [{ currency: 'XAF', balance: 1, reservedBalance: 0, availableBalance: 1 }];

let server: RawServer;
let onRequest: (request: RawRequest) => void;

beforeEach(async () => {
  onRequest = ({ reply }) => reply(200, ROWS);
  server = await startRawServer((request) => onRequest(request));
});
afterEach(() => server.close());

function open(options: KpayOptions = {}): Kpay {
  const kpay = new Kpay({ ...KEYS, baseUrl: server.baseUrl, ...options });
  onTestFinished(() => kpay.close());
  return kpay;
}

describe('a request', () => {
  it('says which client and which Node it comes from, and which one it is', async () => {
    await open().balance();
    const { headers } = server.requests[0] ?? {};
    expect(headers).toMatchObject({ 'user-agent': `kpay-core/${VERSION} node/${process.versions.node}` });
    expect(headers?.['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
    expect(VERSION).toBe(version);
  });

  it('carries the headers of its call, with its keys', async () => {
    await open().balance({ headers: { 'X-Request-Id': 'mine', traceparent: '00-1-2-01' } });
    expect(server.requests[0]?.headers).toMatchObject({
      'x-request-id': 'mine',
      traceparent: '00-1-2-01',
      'x-api-key': KEYS.apiKey,
    });
  });

  it('ends after the timeout of its call', async () => {
    onRequest = () => {};
    const error = await open({ maxRetries: 0 })
      .balance({ timeoutMs: 50 })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'timeout' });
  });
});

describe('the hooks', () => {
  it('tell of each request before and after it, by the names of OpenTelemetry', async () => {
    const sent: RequestEvent[] = [];
    const over: ResponseEvent[] = [];
    onRequest = ({ path, reply }) => {
      if (path.endsWith('/token')) reply(201, TOKEN_ANSWER);
      else reply(422, { statusCode: 422, message: 'Solde insuffisant' }, { 'x-request-id': 'of-kpay' });
    };
    const kpay = open({ onRequest: (event) => sent.push(event), onResponse: (event) => over.push(event) });
    const error = await kpay.transfer(TRANSFER).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'unprocessable', requestId: 'of-kpay' });
    expect(sent.map(({ endpoint, attempt }) => [endpoint, attempt])).toEqual([
      ['token', 1],
      ['transfer', 1],
    ]);
    const [, transfer] = over;
    expect(transfer).toMatchObject({ endpoint: 'transfer', status: 422, outcome: 'rejected', durationMs: expect.any(Number) });
    expect(transfer?.requestId).toBe(sent[1]?.requestId);
    expect(transfer?.attributes).toEqual({
      'http.request.method': 'POST',
      'url.full': `${server.baseUrl}/api/wallets/transfer`,
      'server.address': '127.0.0.1',
      'server.port': server.port,
      'http.response.status_code': 422,
      'error.type': '422',
    });
  });

  it('count the attempts of a transfer whose token KPay refused', async () => {
    const over: ResponseEvent[] = [];
    onRequest = ({ path, reply }) => {
      if (path.endsWith('/token')) reply(201, TOKEN_ANSWER);
      else if (over.some(({ status }) => status === 401)) reply(201, RECEIPT);
      else reply(401, { statusCode: 401, message: 'Unauthorized' });
    };
    await open({ onResponse: (event) => over.push(event) }).transfer(TRANSFER);
    expect(over.filter(({ endpoint }) => endpoint === 'transfer').map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, 401],
      [2, 201],
    ]);
    expect(over.at(-1)?.attributes['http.request.resend_count']).toBe(1);
  });

  it('change no answer when they throw, now or later', async () => {
    const onResponse = async () => Promise.reject(new Error('a listener broke'));
    const fail = () => {
      throw new Error('a listener broke');
    };
    expect(await open({ onRequest: fail, onResponse, onCall: fail }).balance()).toHaveLength(1);
  });
});

describe('a dispatcher', () => {
  it('sends the requests, and is not closed with the client', async () => {
    const agent = new MockAgent();
    agent.disableNetConnect();
    agent.get('https://admin.kpay.site').intercept({ path: '/api/v1/payments/balance' }).reply(200, ROWS).times(2);
    for (let client = 0; client < 2; client += 1) {
      const kpay = new Kpay({ ...KEYS, dispatcher: agent });
      expect(await kpay.balance()).toHaveLength(1);
      await kpay.close();
    }
    await agent.close();
  });

  it('that repeats a request by itself does not repeat a transfer', async () => {
    onRequest = ({ path, reply, socket }) => {
      if (path.endsWith('/token')) reply(201, TOKEN_ANSWER);
      else socket.resetAndDestroy();
    };
    const agent = new RetryAgent(new Agent(), { methods: ['POST'], minTimeout: 1, errorCodes: ['ECONNRESET', 'UND_ERR_SOCKET'] });
    onTestFinished(() => agent.close());
    const kpay = open({ dispatcher: agent });
    await expect(kpay.transfer(TRANSFER)).rejects.toMatchObject({ code: 'outcome_unknown' });
    expect(server.requests.filter(({ path }) => path.endsWith('/transfer'))).toHaveLength(1);
  });

  it('that never told of a start leaves a transfer unknown, whatever it says', async () => {
    const dispatcher = {
      dispatch(options: { path: string }, handler: Record<string, (...args: unknown[]) => void>) {
        const controller = { abort: () => {} };
        if (!options.path.endsWith('/token')) {
          handler.onResponseError?.(controller, new Error('connect ECONNREFUSED'));
          return true;
        }
        handler.onResponseStart?.(controller, 201, {});
        handler.onResponseData?.(controller, Buffer.from(JSON.stringify(TOKEN_ANSWER)));
        handler.onResponseEnd?.(controller, {});
        return true;
      },
    };
    const kpay = open({ dispatcher: dispatcher as never });
    const permit = await kpay.prepareTransfer();
    const body = transferBody(TRANSFER);
    await expect(permit.send(body, { leaseExpiresAtMs: Number.POSITIVE_INFINITY })).rejects.toMatchObject({
      code: 'outcome_unknown',
    });
  });
});

describe('a proxy', () => {
  let proxy: Server;
  let url: string;
  const asked: string[] = [];

  beforeEach(async () => {
    asked.length = 0;
    proxy = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.end(JSON.stringify(ROWS));
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    onTestFinished(() => void proxy.close());
  });

  it('of the environment leads to KPay, unless the options or NO_PROXY say otherwise', async () => {
    onTestFinished(() => void vi.unstubAllEnvs());
    const baseUrl = 'http://kpay.test';
    const calls = { baseUrl, maxRetries: 0 };
    await open({ ...calls, proxy: url }).balance();
    vi.stubEnv('HTTP_PROXY', url);
    await open(calls).balance();
    expect(asked).toEqual(Array(2).fill(`GET ${baseUrl}/api/v1/payments/balance`));
    await expect(open({ ...calls, proxy: false, connectTimeoutMs: 500 }).balance()).rejects.toMatchObject({
      code: 'not_connected',
    });
    vi.stubEnv('NO_PROXY', 'kpay.test');
    await expect(open({ ...calls, connectTimeoutMs: 500 }).balance()).rejects.toMatchObject({ code: 'not_connected' });
    expect(asked).toHaveLength(2);
  });
});

it.each<[KpayOptions, RegExp]>([
  [{ proxy: 'socks5://proxy' }, /^proxy must be the address of a proxy/],
  [{ proxy: 5 as never }, /^proxy must be/],
  [{ ca: 'no certificate' }, /^ca must be a certificate in PEM/],
  [{ dispatcher: {} as never }, /^dispatcher must be/],
  [{ dispatcher: new Agent(), ca: '-----BEGIN CERTIFICATE-----' }, /^dispatcher decides how to connect/],
  [{ ipv4Only: 'yes' as never }, /^ipv4Only must be true or false/],
])('the network options %j are refused', (options, message) => {
  expect(() => new Kpay({ ...KEYS, ...options })).toThrow(message);
});
