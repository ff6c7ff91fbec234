import { type Dispatcher, Pool, ProxyAgent } from 'undici';
import type { Clock } from '../time/clock.ts';
import { decodeBody } from './decode-body.ts';

export interface HttpRequest {
  method: 'GET' | 'POST';
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: string | undefined;
  signal?: AbortSignal | undefined;
  /** From the call to the end of the answer, the connecting included. */
  timeoutMs: number;
  /**
   * Whether the sender's leases are long enough. Asked when the connection stands, in the very moment before the
   * first byte is written: nothing can come between this and the write. False: nothing is written.
   */
  mayWrite?: (() => boolean) | undefined;
}

/** What became of one request. The difference that matters is whether a byte of it may have left. */
export type Exchange =
  /** A status came. `complete`: the body came whole and is not longer than we read. */
  | {
      kind: 'answered';
      status: number;
      headers: Readonly<Record<string, string | string[] | undefined>>;
      text: string;
      complete: boolean;
    }
  /** Not a byte was written. */
  | { kind: 'unsent'; why: 'not_connected' | 'lease_too_short' | 'aborted'; cause: unknown }
  /** It was written, in part or whole, and no whole answer came. */
  | { kind: 'lost'; why: 'timeout' | 'connection_lost' | 'aborted'; cause: unknown };

export interface HttpOptions {
  origin: string;
  clock: Clock;
  connectTimeoutMs: number;
  ipv4Only: boolean;
  /** Of the proxy to go through, with its user and password if it asks for them; straight unless given. */
  proxyUrl?: string | undefined;
  /** Certificates to trust in place of Node's own list. */
  ca?: CertificateAuthorities | undefined;
  /** Sends the requests instead of a pool of our own. It is not closed here. */
  dispatcher?: HttpDispatcher | undefined;
}

/** One PEM text or several, as `node:tls` takes them. */
export type CertificateAuthorities = string | Buffer | readonly (string | Buffer)[];

/**
 * An `Agent`, `Pool`, `ProxyAgent` or `MockAgent` of undici 7 or later. It must call `onRequestStart` right before it writes a
 * request, as undici's own do: that decides between "not sent" and "unknown". One that never did is not trusted to: then every
 * failure of a transfer is unknown.
 */
export interface HttpDispatcher {
  /** Sends one request, as undici's `Dispatcher.dispatch`. */
  dispatch(options: never, handler: never): boolean;
}

/** The network's edge: sends each request once. It follows no redirect and repeats nothing. */
export interface Http {
  /** Never throws. */
  exchange(request: HttpRequest): Promise<Exchange>;
  /** Lets requests under way end, then closes the connections; every later exchange is unsent. */
  close(): Promise<void>;
}

/**
 * How long each address of a name is tried. Node's own 250 ms are too short for a far link: where IPv6 has no route no
 * attempt would ever end. Half of the connect time-out at most, so that a second address has its turn.
 */
const ATTEMPT_MS = 2_500;
const MIN_ATTEMPT_MS = 250;

/** Longer than any call may take. */
const MAX_EXCHANGE_MS = 120_000;

/** KPay's answers are a few kilobytes; a body beyond this is not one. */
const MAX_BODY_BYTES = 1024 * 1024;

export function createHttp(options: HttpOptions): Http {
  const { origin, clock, connectTimeoutMs, ipv4Only, proxyUrl, ca } = options;
  const connect = {
    timeout: connectTimeoutMs,
    autoSelectFamilyAttemptTimeout: Math.min(ATTEMPT_MS, Math.max(MIN_ATTEMPT_MS, connectTimeoutMs / 2)),
    ...(ipv4Only ? { family: 4 } : {}),
    ...(ca === undefined ? {} : { ca: Array.isArray(ca) ? [...ca] : (ca as string | Buffer) }),
  };
  const limits = {
    // One request at a time on a connection: behind another one, nobody could tell whether it was read.
    pipelining: 1,
    allowH2: false,
    // A request's own timeout ends it earlier than these.
    headersTimeout: MAX_EXCHANGE_MS,
    bodyTimeout: MAX_EXCHANGE_MS,
  };
  const own = options.dispatcher ? undefined : poolOf(origin, proxyUrl, connect, limits);
  const way: Way = {
    dispatcher: own ?? (options.dispatcher as unknown as Dispatcher),
    origin,
    clock,
    // Ours tells of each start.
    tellsStarts: own !== undefined,
  };
  let closing: Promise<void> | undefined;

  return {
    exchange(request) {
      if (closing) return Promise.resolve({ kind: 'unsent', why: 'not_connected', cause: new Error('closed') });
      return new Promise((resolve) => dispatch(way, request, resolve));
    },
    close() {
      closing ??= own ? own.close() : Promise.resolve();
      return closing;
    },
  };
}

type Connect = { timeout: number; ca?: string | Buffer | (string | Buffer)[] };

function poolOf(origin: string, proxyUrl: string | undefined, connect: Connect, limits: Pool.Options): Dispatcher {
  return proxyUrl === undefined ? new Pool(origin, { ...limits, connect }) : throughProxy(proxyUrl, connect, limits);
}

/**
 * To https it opens a tunnel (CONNECT) and speaks TLS with KPay itself: while the tunnel does not stand nothing of a request has
 * been written, so a proxy that refuses it (403, 407, 502) is a connection that was never made. Plain http it forwards: then
 * the proxy reads the request, and a page of its own says nothing of what it did with it.
 */
function throughProxy(proxyUrl: string, connect: Connect, limits: Pool.Options): ProxyAgent {
  return new ProxyAgent({
    ...limits,
    uri: proxyUrl,
    proxyTls: connect,
    ...(connect.ca === undefined ? {} : { requestTls: { ca: connect.ca } }),
    connectTimeout: connect.timeout,
    // A proxy that never answers is one that cannot be reached.
    clientFactory: (proxy, options) => new Pool(proxy, { ...options, headersTimeout: connect.timeout }),
    factory: (origin, options) => new Pool(origin, { ...options, ...limits }),
  });
}

/** What requests go by. */
interface Way {
  dispatcher: Dispatcher;
  origin: string;
  clock: Clock;
  /** Whether `dispatcher` is known to call onRequestStart. */
  tellsStarts: boolean;
}

/**
 * undici calls onRequestStart right before it writes the first byte and in the same turn of the event loop. So an
 * end before it is surely unsent, whatever the error's code says, and any end after it is not.
 */
function dispatch(
  way: Way,
  { method, path, headers, body, signal, timeoutMs, mayWrite }: HttpRequest,
  resolve: (exchange: Exchange) => void,
): void {
  const { dispatcher, origin, clock } = way;
  const chunks: Buffer[] = [];
  let bytes = 0;
  let written = false;
  let over = false;
  let stop: (reason: Error) => void = () => {};
  let stopDeadline = (): void => {};
  let answer: { status: number; headers: Readonly<Record<string, string | string[] | undefined>> } | undefined;

  function finish(exchange: Exchange): void {
    if (over) return;
    over = true;
    stopDeadline();
    signal?.removeEventListener('abort', onAbort);
    resolve(exchange);
  }
  function giveUp(why: 'timeout' | 'aborted', cause: unknown): void {
    if (over) return;
    if (written || !way.tellsStarts) finish({ kind: 'lost', why, cause });
    else finish({ kind: 'unsent', why: why === 'timeout' ? 'not_connected' : why, cause });
    stop(new Error('given up'));
  }
  function onAbort(): void {
    giveUp('aborted', signal?.reason);
  }
  function answered(complete: boolean): void {
    if (!answer) return;
    const body = Buffer.concat(chunks);
    const text = complete ? decodeBody(body, answer.headers['content-encoding'], MAX_BODY_BYTES) : undefined;
    // A body that cannot be decoded is as one that broke off.
    finish({ kind: 'answered', ...answer, text: text ?? body.toString('utf8'), complete: text !== undefined });
  }

  function fail(cause: unknown): void {
    const mayBeWritten = written || !way.tellsStarts;
    finish(mayBeWritten ? { kind: 'lost', why: 'connection_lost', cause } : { kind: 'unsent', why: 'not_connected', cause });
  }

  if (signal?.aborted) {
    finish({ kind: 'unsent', why: 'aborted', cause: signal.reason });
    return;
  }
  // One that never told of a start is not asked in the moment of writing, so the leases are looked at here too.
  if (!way.tellsStarts && mayWrite && !mayWrite()) {
    finish({ kind: 'unsent', why: 'lease_too_short', cause: undefined });
    return;
  }
  signal?.addEventListener('abort', onAbort, { once: true });
  stopDeadline = clock.startTimer(timeoutMs, () => giveUp('timeout', new Error(`no answer within ${timeoutMs} ms`)));

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(controller) {
      way.tellsStarts = true;
      stop = (reason) => controller.abort(reason);
      // A second start would be a second send behind our back.
      if (written) finish({ kind: 'lost', why: 'connection_lost', cause: new Error('started twice') });
      else if (!over && mayWrite && !mayWrite()) finish({ kind: 'unsent', why: 'lease_too_short', cause: undefined });
      if (over) controller.abort(new Error('not wanted any more'));
      else written = true;
    },
    onResponseStart(_controller, status, answerHeaders) {
      // After a 1xx comes the answer itself, and stands here then.
      answer = { status, headers: answerHeaders };
    },
    onResponseData(controller, chunk) {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) {
        chunks.push(chunk);
        return;
      }
      answered(false);
      controller.abort(new Error('the answer is too long'));
    },
    onResponseEnd() {
      answered(true);
    },
    onResponseError(_controller, cause) {
      fail(cause);
    },
  };
  try {
    dispatcher.dispatch({ origin, method, path, headers, body: body ?? null }, handler);
  } catch (error) {
    fail(error);
  }
}
