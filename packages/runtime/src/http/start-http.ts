import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TlsOptions, Server as TlsServer } from 'node:tls';
import type { Logger } from 'pino';
import { reasonOf, StartError } from '../start-error.ts';

const CLOSE_LIMIT_MS = 3_000;
/** Load balancers reuse an idle connection for 60 s. If we closed it first, a request on its way would be lost. */
const KEEP_ALIVE_MS = 65_000;

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => unknown;

export interface ListenOptions {
  /** 0 takes any free port. */
  port: number;
  host: string;
  /** The setting of the port, for the message when the port is in use: EXPORTER_PORT. */
  portSetting: string;
}

export interface ListeningServer {
  /** `http://127.0.0.1:9464`, with the actual port. */
  url: string;
  port: number;
  /**
   * Stops listening, waits up to three seconds for answers under way, then ends what is still open, such as streams.
   */
  close(): Promise<void>;
}

/**
 * Listens with any Node server, such as one of Express.
 *
 * @throws StartError naming the setting when the port is in use or not allowed, or HOST is not an address of this
 *   machine.
 */
export async function listen(server: Server, { port, host, portSetting }: ListenOptions): Promise<ListeningServer> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ port, host }, resolve);
  await promise.catch((error: NodeJS.ErrnoException) => {
    throw notListening(error, { port, host, portSetting });
  });
  server.off('error', reject);
  const bound = (server.address() as AddressInfo).port;
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    url: `${server instanceof TlsServer ? 'https' : 'http'}://${name}:${bound}`,
    port: bound,
    close: () => closeServer(server),
  };
}

async function closeServer(server: Server): Promise<void> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  // A connection becomes idle some time after its last answer and would then be kept alive for seconds.
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const limit = setTimeout(() => server.closeAllConnections(), CLOSE_LIMIT_MS);
  await closed;
  clearInterval(idle);
  clearTimeout(limit);
}

/** One line for a server that could not listen, naming the setting to change. */
export function notListening(error: NodeJS.ErrnoException, { port, host, portSetting }: ListenOptions): StartError {
  return new StartError(whyNotListening(error, port, host, portSetting), { cause: error });
}

function whyNotListening(error: NodeJS.ErrnoException, port: number, host: string, setting: string): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `port ${port} is in use: set ${setting} to a free one`;
    case 'EACCES':
      return `port ${port} needs rights this process has not: set ${setting} to one above 1023`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is not an address of this machine: set HOST to one, or leave it out for 127.0.0.1`;
    default:
      return `cannot listen on ${host}:${port} (${reasonOf(error)}): check HOST and ${setting}`;
  }
}

/**
 * Serves a few paths by GET: health, readiness, metrics. When a handler throws, the answer is 500 and the error is
 * logged.
 *
 * @throws StartError as `listen` does.
 */
export async function startHttp(
  options: ListenOptions & { routes: Record<string, HttpHandler>; logger: Logger; tls?: TlsOptions | undefined },
): Promise<ListeningServer> {
  const { routes, logger, tls } = options;
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const [path = '/'] = (request.url ?? '/').split('?', 1);
    const handler = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (!handler) return sendText(response, 404, 'not found\n');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return sendText(response, 405, 'only GET\n', { allow: 'GET, HEAD' });
    await handler(request, response);
  };
  const server = createHttpServer({ tls }, (request, response) => {
    answer(request, response).catch((error: unknown) => {
      logger.error({ err: error, path: request.url }, 'an HTTP handler failed');
      if (response.headersSent) response.destroy();
      else sendText(response, 500, 'failed\n');
    });
  });
  return listen(server, options);
}

/**
 * Makes an http server, or an https server with `tls`. It keeps idle connections for 65 s unless `keepAliveTimeout` is
 * set.
 */
export function createHttpServer(
  { tls, ...given }: ServerOptions & { tls?: TlsOptions | undefined },
  listener: RequestListener,
): Server {
  const settings = { keepAliveTimeout: KEEP_ALIVE_MS, ...given };
  return tls ? createTlsServer({ ...settings, ...tls }, listener) : createServer(settings, listener);
}

export function sendText(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers }).end(text);
}

/**
 * The two health paths of every process. `/healthz` is 200 unless something is `stuck`; then it is 503, and only a new
 * process helps. `/readyz` is 200 when `waitingFor` returns an empty list, else 503 with what is missing, one a line.
 */
export function healthRoutes(
  waitingFor: () => readonly string[] | Promise<readonly string[]>,
  stuck: () => readonly string[] = () => [],
): Record<string, HttpHandler> {
  const respond = (response: ServerResponse, good: string, wrong: readonly string[]) =>
    wrong.length === 0 ? sendText(response, 200, `${good}\n`) : sendText(response, 503, `${wrong.join('\n')}\n`);
  return {
    '/healthz': (_request, response) => respond(response, 'ok', stuck()),
    '/readyz': async (_request, response) => respond(response, 'ready', await waitingFor()),
  };
}
