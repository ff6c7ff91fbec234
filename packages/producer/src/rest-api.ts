import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { kindOf } from './arguments.ts';
import {
  AccessDeniedError,
  ClosedError,
  InvalidArgumentError,
  InvalidTransferRequestError,
  ProducerError,
  TransferFailedError,
} from './errors.ts';

/** How the admin API is reached. */
export interface RestApiOptions {
  baseUrl: string;
  token: string | (() => string | Promise<string>);
  /** Of one request, its answer included. */
  timeoutMs: number;
  fetch: typeof globalThis.fetch;
  /** Ends every request. */
  closed: AbortSignal;
}

/** One request to the admin API. */
export interface RestRequest {
  method: 'GET' | 'POST';
  path: string;
  /** The transfer that it is about. */
  externalId: string;
  body?: object;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/** No answer came that says anything: no connection, a lost one, time was up, 429, a 5xx, or what no admin API would answer. */
export class NoAnswer extends Error {
  /** How long to wait before the next try, where the API said so. */
  readonly retryAfterMs: number | undefined;
  /** Whether another try can help. */
  readonly worthRepeating: boolean;

  constructor(message: string, options: { retryAfterMs?: number | undefined; worthRepeating?: boolean; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs;
    this.worthRepeating = options.worthRepeating ?? true;
  }
}

// A page of one transfer has at most 35 kB.
const MAX_ANSWER_CHARACTERS = 1_000_000;
const MIN_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 8_000;

const problemSchema = z.object({
  code: z.string(),
  detail: z.string(),
  safeToRetry: z.boolean().catch(true),
  pointer: z.string().optional().catch(undefined),
});

export type RestApi = ReturnType<typeof createRestApi>;

/** Speaks to the admin API: one request, one answer or one error. */
export function createRestApi({ baseUrl, token, timeoutMs, fetch, closed }: RestApiOptions) {
  /** Answers with whatever the API answered; the caller reads or cancels its body. */
  async function send({ method, path, body, headers, signal }: Omit<RestRequest, 'externalId'>): Promise<Response> {
    const authorization = `Bearer ${typeof token === 'string' ? token : requireToken(await token())}`;
    return fetch(baseUrl + path, {
      method,
      headers: {
        accept: 'application/json',
        ...headers,
        authorization,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
      // A POST that is redirected arrives as a GET, and the token may go to nobody else.
      redirect: 'manual',
      ...(signal && { signal }),
    });
  }

  /**
   * The JSON of a 2xx answer, as `schema` reads it.
   *
   * @throws NoAnswer, InvalidTransferRequestError, AccessDeniedError, TransferFailedError, ClosedError; undefined is a 404 of the API.
   */
  async function ask<T>(request: RestRequest, schema: z.ZodType<T>): Promise<T | undefined> {
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = AbortSignal.any([closed, timeout, ...(request.signal ? [request.signal] : [])]);
    try {
      const response = await send({ ...request, signal });
      return readAnswer(response, await readText(response), schema, request);
    } catch (error) {
      if (closed.aborted) throw new ClosedError({ externalId: request.externalId });
      if (timeout.aborted) throw new NoAnswer(`no answer within ${timeoutMs} ms`, { cause: error });
      if (error instanceof ProducerError || error instanceof NoAnswer || request.signal?.aborted) throw error;
      throw new NoAnswer(reasonOf(error), { cause: error });
    }
  }

  /** Asks up to `retries` times more while no answer comes: after a pause that grows, or as long as the API says. */
  async function askAgain<T>(request: RestRequest, schema: z.ZodType<T>, retries: number): Promise<T | undefined> {
    for (let tried = 0; ; tried++) {
      try {
        return await ask(request, schema);
      } catch (error) {
        if (!(error instanceof NoAnswer) || !error.worthRepeating || tried >= retries) throw error;
        const pauseMs = error.retryAfterMs ?? backoffMs(tried);
        // Somebody who waits for a transfer to be enqueued decides better how to go on.
        if (pauseMs > MAX_BACKOFF_MS) throw error;
        await delay(pauseMs, undefined, { signal: closed }).catch(() => {});
      }
    }
  }
  return { send, ask, askAgain };
}

/** The pause before try `tried + 2`: doubling, with jitter so that many callers do not come back at once. */
export function backoffMs(tried: number, mostMs: number = MAX_BACKOFF_MS): number {
  return Math.min(MIN_BACKOFF_MS * 2 ** tried, mostMs) * (0.5 + Math.random() / 2);
}

/** A token as it goes into a header. @throws InvalidArgumentError, which does not repeat it. */
export function requireToken(token: unknown): string {
  if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) return token;
  const problem = 'must be a key of the admin API, or a function that gives one';
  const given = typeof token === 'string' ? 'a text with spaces, line breaks or nothing in it' : kindOf(token);
  throw new InvalidArgumentError('token', `${problem}; not ${given}`);
}

function readAnswer<T>(response: Response, text: string, schema: z.ZodType<T>, { externalId }: RestRequest): T | undefined {
  const { status, headers } = response;
  const retryAfterMs = readRetryAfter(headers.get('retry-after'));
  const json = parseJson(text);
  if (response.ok) {
    const parsed = schema.safeParse(json);
    if (parsed.success) return parsed.data;
    throw new NoAnswer(`answered ${status} with what is no transfer`, { cause: parsed.error });
  }
  const problem = problemSchema.safeParse(json).data;
  if (status === 429 || status >= 500) {
    const why = problem ? `${problem.code}: ${problem.detail}` : 'without a problem of the admin API';
    throw new NoAnswer(`answered ${status}, ${why}`, { retryAfterMs, worthRepeating: problem?.safeToRetry ?? true });
  }
  if (!problem) {
    throw new NoAnswer(`answered ${status}, which is no answer of the admin API: check baseUrl`, { worthRepeating: false });
  }
  const { code, detail, pointer } = problem;
  if (status === 404) return undefined;
  if (status === 400) {
    const field = fieldOf(pointer);
    throw new InvalidTransferRequestError(field, withoutPrefix(detail, `${field}: `), { externalId });
  }
  if (status === 401 || (status === 403 && code !== 'spend_limit_exceeded')) {
    throw new AccessDeniedError(`the admin API refused the token: ${detail}`, { status, externalId });
  }
  if (status === 403 || status === 409 || status === 422) {
    throw new TransferFailedError({ externalId, reason: detail, reasonCode: code, transferId: undefined });
  }
  throw new NoAnswer(`answered ${status}, ${code}: ${detail}`, { worthRepeating: false });
}

async function readText(response: Response): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.length > MAX_ANSWER_CHARACTERS) throw new NoAnswer('answered far more than a transfer', { worthRepeating: false });
  }
  return text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A JSON pointer as the name of a field: `/metadata/team` is `metadata.team`. */
function fieldOf(pointer: string | undefined): string {
  const parts = (pointer ?? '').split('/').slice(1);
  return parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')).join('.') || 'request';
}

function withoutPrefix(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

/** Milliseconds of a Retry-After, in seconds or as a date. */
function readRetryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

/** What fetch hides behind "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message;
}
