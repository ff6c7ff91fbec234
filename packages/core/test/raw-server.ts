import { createServer, type Socket } from 'node:net';

export interface RawRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
  /** Writes a whole answer; objects as JSON. */
  reply(status: number, body: unknown, headers?: Record<string, string>): void;
  /** For answers that are broken on purpose. */
  socket: Socket;
}

export interface RawServer {
  port: number;
  baseUrl: string;
  /** Every request that came whole, in order of arrival. */
  requests: RawRequest[];
  connections: number;
  close(): Promise<void>;
}

/** An HTTP server close enough to the socket to misbehave. It reads requests and leaves every answer to the test. */
export async function startRawServer(onRequest: (request: RawRequest, server: RawServer) => void): Promise<RawServer> {
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    running.connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // Resets are what these tests are about.
    socket.on('error', () => {});
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      for (let next = takeRequest(received, socket); next; next = takeRequest(received, socket)) {
        received = received.subarray(next.bytes);
        running.requests.push(next.request);
        onRequest(next.request, running);
      }
    });
  });
  const running: RawServer = {
    port: 0,
    baseUrl: '',
    requests: [],
    connections: 0,
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  running.port = typeof address === 'object' && address ? address.port : 0;
  running.baseUrl = `http://127.0.0.1:${running.port}`;
  return running;
}

function takeRequest(received: Buffer, socket: Socket): { request: RawRequest; bytes: number } | undefined {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const [first = '', ...lines] = received.subarray(0, headEnd).toString('latin1').split('\r\n');
  const [method = '', path = ''] = first.split(' ');
  const headers: Record<string, string> = {};
  for (const line of lines) headers[line.slice(0, line.indexOf(':')).toLowerCase()] = line.slice(line.indexOf(':') + 1).trim();
  const bodyStart = headEnd + 4;
  const bytes = bodyStart + Number(headers['content-length'] ?? 0);
  if (received.length < bytes) return undefined;
  const body = received.subarray(bodyStart, bytes).toString('utf8');
  return { request: { method, path, headers, body, socket, reply: (...answer) => writeAnswer(socket, ...answer) }, bytes };
}

function writeAnswer(socket: Socket, status: number, body: unknown, headers: Record<string, string> = {}): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const lines = Object.entries({
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    ...headers,
  });
  socket.write(`HTTP/1.1 ${status} Status\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${text}`);
}

/** What KPay answers to a token request. */
export const TOKEN_ANSWER = {
  accessToken: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ0ZXN0In0.c2lnbmF0dXJl',
  expiresIn: '30m',
  environment: 'TEST',
};
