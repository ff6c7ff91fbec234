import { randomUUID } from 'node:crypto';
import type { RetryableReason, UnknownReason } from '../errors.ts';
import type { Exchange } from './exchange.ts';

/** How a request ended: `ok`, KPay's no, or why there is no answer. */
export type CallOutcome = 'ok' | 'rejected' | 'aborted' | RetryableReason | UnknownReason;

/** One request to KPay that is over, for metrics. */
export interface Call {
  /** `me`, `token`, `exchange_rate`, `predict_provider`, `availability`, `balance` or `transfer`. */
  endpoint: string;
  /** How it ended. */
  outcome: CallOutcome;
  /** Milliseconds from sending to the end of the answer. */
  durationMs: number;
}

/** A request that is about to be sent. */
export interface RequestEvent {
  /** The `x-request-id` that it carries. */
  readonly requestId: string;
  /** `me`, `token`, `exchange_rate`, `predict_provider`, `availability`, `balance` or `transfer`. */
  readonly endpoint: string;
  /** 1 for the first request of a call, then 2 and so on. */
  readonly attempt: number;
  /** By the names of OpenTelemetry's semantic conventions for HTTP clients. No key and no phone number is in them. */
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** A request that is over. `attributes` has the status and, after a failure, `error.type` too. */
export interface ResponseEvent extends RequestEvent {
  /** The HTTP status; undefined when no answer came. */
  readonly status: number | undefined;
  /** How it ended. */
  readonly outcome: CallOutcome;
  /** Milliseconds from sending to the end of the answer. */
  readonly durationMs: number;
}

/** Who is told of requests. What a listener throws is its own affair: it changes no answer. */
export interface Hooks {
  /** Called right before each request is sent. */
  onRequest?: ((event: RequestEvent) => void) | undefined;
  /** Called when each request is over. */
  onResponse?: ((event: ResponseEvent) => void) | undefined;
  /** Called when each request is over, with what metrics count. */
  onCall?: ((call: Call) => void) | undefined;
}

/** A request that the hooks are being told of. */
export interface Told {
  requestId: string;
  ended(exchange: Exchange, outcome: CallOutcome, durationMs: number): void;
}

interface Sent {
  endpoint: string;
  attempt: number;
  method: string;
  path: string;
  /** The caller's own, when it has one. */
  requestId: string | undefined;
}

/** Tells the hooks of each request. Events are made only for those who listen. */
export function createTeller(hooks: Hooks, baseUrl: URL): (sent: Sent) => Told {
  const onRequest = hooks.onRequest && quietly(hooks.onRequest);
  const onResponse = hooks.onResponse && quietly(hooks.onResponse);
  const onCall = hooks.onCall && quietly(hooks.onCall);
  const server = {
    'server.address': baseUrl.hostname,
    'server.port': Number(baseUrl.port) || (baseUrl.protocol === 'https:' ? 443 : 80),
  };

  return ({ endpoint, attempt, method, path, requestId = randomUUID() }) => {
    const event = (onRequest || onResponse) && {
      requestId,
      endpoint,
      attempt,
      attributes: {
        'http.request.method': method,
        'url.full': baseUrl.origin + path,
        ...server,
        ...(attempt > 1 ? { 'http.request.resend_count': attempt - 1 } : {}),
      },
    };
    if (event) onRequest?.(event);
    return {
      requestId,
      ended(exchange, outcome, durationMs) {
        onCall?.({ endpoint, outcome, durationMs });
        if (!event || !onResponse) return;
        const status = exchange.kind === 'answered' ? exchange.status : undefined;
        const attributes = {
          ...event.attributes,
          ...(status === undefined ? {} : { 'http.response.status_code': status }),
          ...(outcome === 'ok' ? {} : { 'error.type': status === undefined || status < 400 ? outcome : String(status) }),
        };
        onResponse({ ...event, attributes, status, outcome, durationMs });
      },
    };
  };
}

const KPAY_REQUEST_ID = /^[\w.:/+=-]{1,128}$/;

/** KPay's own name of a request, when it gives one, else the one that was sent. */
export function requestIdOf(exchange: Exchange, sent: string): string {
  const given = exchange.kind === 'answered' ? exchange.headers['x-request-id'] : undefined;
  return typeof given === 'string' && KPAY_REQUEST_ID.test(given) ? given : sent;
}

/** A listener that throws, now or later, must not turn a receipt into an error. */
export function quietly<T>(listener: ((event: T) => unknown) | undefined): (event: T) => void {
  return (event) => {
    try {
      const told = listener?.(event);
      if (told instanceof Promise) told.catch(() => {});
    } catch {
      // It is the listener's to notice.
    }
  };
}
