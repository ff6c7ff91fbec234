import { eventually } from '@kpay/testkit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type RawRequest, type RawServer, startRawServer } from '../../test/raw-server.ts';
import { systemClock } from '../time/clock.ts';
import { createHttp, type Http } from './exchange.ts';

const POST = { method: 'POST', path: '/transfer', headers: {}, body: '{}', timeoutMs: 2_000 } as const;

let server: RawServer;
let http: Http;
let onRequest: (request: RawRequest) => void;

beforeEach(async () => {
  server = await startRawServer((request) => onRequest(request));
  http = createHttp({
    origin: server.baseUrl,
    clock: systemClock,
    connectTimeoutMs: 1_000,
    ipv4Only: false,
  });
});
afterEach(async () => {
  await http.close();
  await server.close();
});

it('a request given up before the connection stands is never written on it', async () => {
  onRequest = (request) => request.reply(200, {});
  const leaving = new AbortController();
  const given = http.exchange({ ...POST, signal: leaving.signal });
  leaving.abort();
  expect(await given).toMatchObject({ kind: 'unsent', why: 'aborted' });
  await eventually(() => expect(server.connections).toBe(1));
  await http.close();
  expect(server.requests).toHaveLength(0);
});

it('a request given up after it was written is lost, not unsent', async () => {
  const leaving = new AbortController();
  onRequest = () => leaving.abort();
  expect(await http.exchange({ ...POST, signal: leaving.signal })).toMatchObject({ kind: 'lost', why: 'aborted' });
});

it('an informational answer is not the answer', async () => {
  onRequest = (request) => {
    request.socket.write('HTTP/1.1 103 Early Hints\r\n\r\n');
    request.reply(201, '{"id":1}');
  };
  expect(await http.exchange(POST)).toMatchObject({ kind: 'answered', status: 201, text: '{"id":1}', complete: true });
});

it('a body in many pieces is read whole, characters cut in two included', async () => {
  const text = JSON.stringify({ message: 'é'.repeat(1_000) });
  onRequest = ({ socket }) => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n`);
    const bytes = Buffer.from(text);
    for (let start = 0; start < bytes.length; start += 101) setImmediate(() => socket.write(bytes.subarray(start, start + 101)));
  };
  expect(await http.exchange(POST)).toMatchObject({ kind: 'answered', text, complete: true });
});

it('a request whose header cannot be sent is unsent, and throws nothing', async () => {
  expect(await http.exchange({ ...POST, headers: { authorization: 'a\nb' } })).toMatchObject({
    kind: 'unsent',
    why: 'not_connected',
  });
});
