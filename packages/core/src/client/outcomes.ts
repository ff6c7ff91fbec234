import { KpayAbortError, type KpayError, OutcomeUnknownError, RejectedError, RetryableError } from '../errors.ts';
import type { Exchange } from './exchange.ts';
import { plainCause, snippet } from './redact.ts';

/** What an exchange is told with, and what must not show. */
export interface OutcomeContext {
  endpoint: string;
  secrets: readonly string[];
  /** How long to wait, when the answer was a 429 or says so itself. */
  retryAfterMs: number | undefined;
  /** What names the request. */
  requestId: string;
}

const MAX_DETAIL_CHARACTERS = 300;
const REFUSALS_OF_A_TRANSFER: readonly number[] = [400, 401, 403, 404, 409, 422];

/** The error that an exchange with a read means; undefined when its body should be an answer. */
export function failureOfRead(exchange: Exchange, context: OutcomeContext): KpayError | undefined {
  const { endpoint, secrets, retryAfterMs, requestId } = context;
  if (exchange.kind !== 'answered') {
    const { why: reason, cause } = exchange;
    const message = `${endpoint}: ${SENTENCES[reason]}`;
    // The signal's reason is the caller's own.
    if (reason === 'aborted') return new KpayAbortError(message, { requestId, cause });
    return new RetryableError(message, { reason, requestId, cause: plainCause(cause, secrets) });
  }
  const { status } = exchange;
  if (status === 429) return rateLimited(context);
  if (status >= 400 && status < 500 && exchange.complete && isEnvelope(status, exchange.text)) {
    return rejected(status, exchange.text, context);
  }
  const named = { status, requestId };
  if (status >= 500) {
    return new RetryableError(`${endpoint}: KPay failed (${status})`, { ...named, reason: 'server_error', retryAfterMs });
  }
  if (status >= 300 || !exchange.complete) {
    return new RetryableError(`${endpoint}: no readable answer (${status})`, { ...named, reason: 'unreadable' });
  }
  return undefined;
}

/**
 * The error that an exchange with a transfer means; undefined for a whole 201. Only what proves that nothing was
 * done is a RejectedError or a RetryableError. Everything else once a byte was written is unknown, a refusal that broke off
 * included.
 */
export function failureOfTransfer(exchange: Exchange, context: OutcomeContext): KpayError | undefined {
  const { secrets, requestId } = context;
  if (exchange.kind === 'unsent') return failureOfRead(exchange, context);
  if (exchange.kind === 'lost') {
    const reason = exchange.why === 'timeout' ? 'timeout' : 'connection_lost';
    return new OutcomeUnknownError(`the transfer was sent: ${SENTENCES[reason]}`, {
      reason,
      requestId,
      cause: plainCause(exchange.cause, secrets),
    });
  }
  const { status, text, complete } = exchange;
  if (status === 201 && complete) return undefined;
  const detail = detailOf(text, secrets);
  if (!complete)
    return new OutcomeUnknownError(`the transfer was sent: its answer (${status}) broke off`, {
      reason: 'unreadable',
      status,
      requestId,
      detail,
    });
  if (status === 429) return rateLimited(context);
  if (REFUSALS_OF_A_TRANSFER.includes(status) && isEnvelope(status, text)) return rejected(status, text, context);
  const reason = status >= 500 ? 'server_error' : 'unexpected_status';
  return new OutcomeUnknownError(`the transfer was sent: KPay answered ${status}`, { reason, status, requestId, detail });
}

/**
 * Whether this is KPay's own refusal: a JSON object whose statusCode is the status, with a message [docs]. A proxy's or a
 * firewall's page in its place says nothing about what passed it before.
 */
function isEnvelope(status: number, text: string): boolean {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer !== 'object' || answer === null || !('statusCode' in answer) || !('message' in answer)) return false;
    const { statusCode, message } = answer;
    const messages = Array.isArray(message) ? message : [message];
    return statusCode === status && messages.length > 0 && messages.every((each) => typeof each === 'string');
  } catch {
    return false;
  }
}

/** The error for a 201 whose transfer has a status that is no success. By its id a person can ask KPay about it. */
export function notCompleted(status: string, id: string, context: OutcomeContext): OutcomeUnknownError {
  const detail = snippet(id === '' ? status : `${status} (its id there: ${id})`, MAX_DETAIL_CHARACTERS, context.secrets);
  const message = `KPay took the transfer and says ${detail}: do not send it again, ask KPay what became of it`;
  return new OutcomeUnknownError(message, { reason: 'not_completed', status: 201, requestId: context.requestId, detail });
}

/** The error for a 201 that is no receipt. */
export function unreadableReceipt(text: string, cause: unknown, { secrets, requestId }: OutcomeContext): OutcomeUnknownError {
  const detail = detailOf(text, secrets);
  return new OutcomeUnknownError('the transfer was sent: its 201 cannot be read', {
    reason: 'unreadable',
    status: 201,
    requestId,
    detail,
    cause: plainCause(cause, secrets),
  });
}

/** The error for an answer to a read that lacks what is needed. */
export function unreadableRead(cause: unknown, status: number, context: OutcomeContext): RetryableError {
  const { endpoint, secrets, requestId } = context;
  const because = { status, requestId, cause: plainCause(cause, secrets) };
  return new RetryableError(`${endpoint}: the answer cannot be read`, { ...because, reason: 'unreadable' });
}

const SENTENCES = {
  not_connected: 'no connection to KPay',
  timeout: 'no answer in time',
  connection_lost: 'the connection was lost',
  aborted: 'the caller stopped waiting',
  lease_too_short: 'not sent, because a lease or the token would end before an answer could come',
} as const;

function rateLimited({ endpoint, retryAfterMs, requestId }: OutcomeContext): RetryableError {
  const message = `${endpoint}: KPay's rate limit is used up (429)`;
  return new RetryableError(message, { reason: 'rate_limited', status: 429, requestId, retryAfterMs });
}

function rejected(status: number, text: string, { endpoint, secrets, requestId }: OutcomeContext): RejectedError {
  const detail = detailOf(text, secrets);
  const message = `${endpoint}: KPay refused (${status})${detail === undefined ? '' : `: ${detail}`}`;
  return new RejectedError(message, { status, requestId, detail });
}

/** KPay's own words out of its error envelope, `{statusCode, message, error}` with one message or several; else the text. */
function detailOf(text: string, secrets: readonly string[]): string | undefined {
  const words = snippet(messageIn(text) ?? text, MAX_DETAIL_CHARACTERS, secrets).trim();
  return words === '' ? undefined : words;
}

function messageIn(text: string): string | undefined {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    const messages = Array.isArray(message) ? message : [message];
    return messages.every((each) => typeof each === 'string') ? messages.join('; ') : undefined;
  } catch {
    return undefined;
  }
}
