import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { type Duplex, finished } from 'node:stream';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createSimulator, type Simulator, simulatorApiKey, simulatorApplicationId, simulatorSecretKey } from '@kpay/simulator';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { OutcomeUnknownError, RetryableError } from '../src/errors.ts';
import { createTestClient, TRANSFER } from './test-client.ts';

const FILES = new URL('../../runtime/test/web-config/good/', import.meta.url);
const [cert, key] = ['server.crt', 'server.key'].map((name) => readFileSync(new URL(name, FILES), 'utf8'));
const AUTH = `Basic ${Buffer.from('user:h@sh').toString('base64')}`;
const MOVED = { ...TRANSFER, applicationId: simulatorApplicationId };
const trusted = getCACertificates();

/** What the proxy does with the next CONNECT or forwarded request: passes it on, answers itself, closes, or says nothing. */
type Manner = 'pass' | 403 | 407 | 502 | 'close' | 'silent';

interface TestProxy {
  url: string;
  manner: Manner;
  /** What was asked of it: `CONNECT localhost:443`, `GET http://…`. */
  asked: string[];
  /** Cuts every connection through it. */
  cut(): void;
}

let simulator: Simulator;
let httpsUrl: string;
let proxy: TestProxy;

beforeAll(() => setDefaultCACertificates([...trusted, cert ?? '']));
afterAll(() => setDefaultCACertificates(trusted));
beforeEach(async () => {
  simulator = await createSimulator({ port: 0 });
  onTestFinished(() => simulator.close());
  httpsUrl = await serveTls(simulator.port);
  proxy = await startProxy();
});

function track(sockets: Set<Duplex>, socket: Duplex): void {
  sockets.add(socket);
  socket.on('error', () => {});
  finished(socket, () => sockets.delete(socket));
}

/** KPay behind TLS, as it is. */
async function serveTls(port: number): Promise<string> {
  const sockets = new Set<Duplex>();
  const server = createTlsServer({ cert, key }, (socket) => {
    track(sockets, socket);
    const inner = connectTcp(port, '127.0.0.1');
    track(sockets, inner);
    socket.pipe(inner).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `https://localhost:${(server.address() as AddressInfo).port}`;
}

async function startProxy(): Promise<TestProxy> {
  const sockets = new Set<Duplex>();
  const running: TestProxy = {
    url: '',
    manner: 'pass',
    asked: [],
    cut() {
      for (const socket of sockets) socket.destroy();
    },
  };
  const answerTo = ({ headers }: IncomingMessage): Manner =>
    running.manner === 'pass' && headers['proxy-authorization'] !== AUTH ? 407 : running.manner;
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    running.asked.push(`${request.method} ${request.url}`);
    const manner = answerTo(request);
    if (manner === 'silent') return;
    if (manner === 'close') request.socket.destroy();
    else if (manner !== 'pass') response.writeHead(manner, { 'content-type': 'text/html' }).end('<h1>the proxy</h1>');
    else {
      const { method, headers } = request;
      const onward = httpRequest(request.url ?? '', { method, headers }, (answer) => {
        answer.pipe(response.writeHead(answer.statusCode ?? 0, answer.headers));
      });
      request.pipe(onward);
    }
  });
  server.on('connection', (socket: Socket) => track(sockets, socket));
  server.on('connect', (request: IncomingMessage, socket: Duplex) => {
    running.asked.push(`CONNECT ${request.url}`);
    const manner = answerTo(request);
    if (manner === 'silent') return;
    if (manner === 'close') socket.destroy();
    else if (manner !== 'pass') socket.end(`HTTP/1.1 ${manner} No\r\ncontent-length: 3\r\n\r\nno\n`);
    else {
      const inner = connectTcp(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(inner).pipe(socket);
      });
      track(sockets, inner);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    running.cut();
    server.close();
  });
  running.url = `http://user:h%40sh@127.0.0.1:${(server.address() as AddressInfo).port}`;
  return running;
}

function clientOf(baseUrl: string) {
  const { client } = createTestClient(baseUrl, {
    apiKey: simulatorApiKey,
    secretKey: simulatorSecretKey,
    proxyUrl: proxy.url,
    connectTimeoutMs: 500,
    totalTimeoutMs: 5_000,
  });
  onTestFinished(() => client.close());
  return client;
}

/** A send whose token came through the proxy; how the proxy treats the send itself is up to `manner`. */
async function sendWith(baseUrl: string, manner: Manner) {
  const client = clientOf(baseUrl);
  const permit = await client.prepareTransfer();
  proxy.cut();
  proxy.manner = manner;
  const body = JSON.stringify({
    applicationId: MOVED.applicationId,
    sourceCountry: 'CMR',
    destinationCountry: 'GAB',
    amount: 50_000,
    externalId: MOVED.externalId,
  });
  return permit.send(body, { leaseExpiresAtMs: Number.POSITIVE_INFINITY }).catch((error: unknown) => error);
}

const transfers = () => simulator.control.truth().requestCounts.byEndpoint.transfer ?? 0;

describe('https, through a tunnel', () => {
  it('carries reads and transfers, and asks the proxy for nothing but the tunnel', async () => {
    const client = clientOf(httpsUrl);
    expect((await client.balance()).length).toBeGreaterThan(0);
    expect(await client.transfer(MOVED)).toMatchObject({ externalId: MOVED.externalId });
    expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${new URL(httpsUrl).host}`]));
  });

  it.each<Manner>([403, 407, 502, 'close', 'silent'])('refused with %s: the transfer was definitely not sent', async (manner) => {
    const error = await sendWith(httpsUrl, manner);
    expect(error).toBeInstanceOf(RetryableError);
    expect(error).toMatchObject({ reason: 'not_connected' });
    expect(String((error as Error).stack) + String((error as Error).cause)).not.toMatch(/h(@|%40)sh|dXNlcj/);
    expect(transfers()).toBe(0);
  });

  it('cut after the request was written: the outcome is unknown', async () => {
    simulator.control.addFault({ match: { endpoint: 'transfer' }, fault: { kind: 'hang', when: 'after' } });
    const sending = sendWith(httpsUrl, 'pass');
    await expect.poll(() => simulator.control.truth().transferCount, { timeout: 5_000 }).toBe(1);
    proxy.cut();
    expect(await sending).toMatchObject({ name: 'OutcomeUnknownError', reason: 'connection_lost' });
  });
});

describe('plain http, forwarded', () => {
  it('carries reads and transfers', async () => {
    const client = clientOf(simulator.url);
    expect((await client.balance()).length).toBeGreaterThan(0);
    expect(await client.transfer(MOVED)).toMatchObject({ externalId: MOVED.externalId });
    expect(proxy.asked).toContain(`POST ${simulator.url}/api/wallets/transfer`);
  });

  it.each<Manner>([403, 407, 502, 'close'])(
    'answered with %s by the proxy itself: that is not KPay, so unknown',
    async (manner) => {
      expect(await sendWith(simulator.url, manner)).toBeInstanceOf(OutcomeUnknownError);
      expect(transfers()).toBe(0);
    },
  );
});
