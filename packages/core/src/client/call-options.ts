import { assertFields, assertNumber, assertSignal, kindOf } from '../arguments.ts';
import { InvalidArgumentError } from '../errors.ts';
import { assertLane, type Lane } from '../stores/budget-store.ts';
import { isUrgency, type Urgency } from '../stores/urgency.ts';

/** How one call is made. Everything is optional. */
export interface CallOptions {
  /** Whose turn it is when the request budget is short: `people` for a read and `money` for a transfer unless given. */
  lane?: Lane | undefined;
  /**
   * Ends the call with a KpayAbortError: a read at any time, a transfer only before it is sent. What is sent cannot be
   * taken back, so a transfer that is under way goes on to its answer.
   */
  signal?: AbortSignal | undefined;
  /** How long to wait for a place in the request budget, in milliseconds: the client's `maxWaitMs` unless given. */
  maxWaitMs?: number | undefined;
  /** From sending to the end of the answer, in milliseconds, 50,000 at most: the client's `timeoutMs` unless given. */
  timeoutMs?: number | undefined;
  /** Sent too, such as `x-request-id` or `traceparent`. Those that carry keys or frame the request cannot be set. */
  headers?: Readonly<Record<string, string>> | undefined;
}

/** As the inside of this package calls. */
export interface InnerCallOptions extends CallOptions {
  /** Instead of a lane: one that can still become more urgent. */
  urgency?: Urgency | undefined;
}

const FIELDS: ReadonlySet<string> = new Set(['lane', 'signal', 'maxWaitMs', 'timeoutMs', 'headers']);

/**
 * A slot of the budget is held for 60 s. A longer call could still be on its way when its slot is somebody else's, and a
 * transfer is not sent unless the whole time is left.
 */
export const MAX_TIMEOUT_MS = 50_000;

/** @throws InvalidArgumentError for what is no option of a call, or out of its bounds. */
export function assertCallOptions(options: unknown): asserts options is CallOptions {
  if (isUrgent(options)) return;
  assertFields('options', options, FIELDS);
  const { lane, signal, maxWaitMs, timeoutMs, headers } = options as Record<string, unknown>;
  if (lane !== undefined) assertLane(lane);
  if (signal !== undefined) assertSignal('options.signal', signal);
  if (maxWaitMs !== undefined) assertNumber('options.maxWaitMs', maxWaitMs, 0, Number.POSITIVE_INFINITY);
  if (timeoutMs !== undefined) assertNumber('options.timeoutMs', timeoutMs, 1, MAX_TIMEOUT_MS);
  if (headers !== undefined) assertHeaders(headers);
}

/** Observations call with an urgency of their own and nothing else. */
function isUrgent(options: unknown): boolean {
  return typeof options === 'object' && options !== null && 'urgency' in options && isUrgency(options.urgency);
}

const OUR_HEADERS: ReadonlySet<string> = new Set([
  'x-api-key',
  'x-secret-key',
  'authorization',
  'proxy-authorization',
  'host',
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'accept',
  'accept-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'expect',
  'te',
  'trailer',
]);
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;
const FIELD_VALUE = /^[\t\x20-\x7e]*$/;

function assertHeaders(headers: unknown): asserts headers is Record<string, string> {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw new InvalidArgumentError('options.headers', `must be an object with texts, not ${kindOf(headers)}`);
  }
  for (const [name, value] of Object.entries(headers)) {
    const argument = `options.headers.${name.slice(0, 40)}`;
    if (!TOKEN.test(name)) throw new InvalidArgumentError('options.headers', 'has a name that no header can have');
    if (OUR_HEADERS.has(name.toLowerCase())) throw new InvalidArgumentError(argument, 'cannot be set: the client sets it');
    if (typeof value !== 'string' || !FIELD_VALUE.test(value)) {
      throw new InvalidArgumentError(argument, 'must be a text of printable ASCII characters');
    }
  }
}
