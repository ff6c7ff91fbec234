import { AdminApiError, NoAnswerError, ProblemError, UnreadableAnswerError } from './errors.ts';
import { type Operations, operations, type Problem } from './generated/schema.ts';
import { type HttpAnswer, type Send, sendByFetch } from './send.ts';

export type OperationName = keyof Operations;

/** What an operation takes, with a signal that ends the call and a bound of its time. */
export type RequestOf<Name extends OperationName> = Operations[Name]['request'] & CallOptions;
export type AnswerOf<Name extends OperationName> = Operations[Name]['answer'];

export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** How long one try may take, in milliseconds. */
  timeoutMs?: number | undefined;
}

export interface Answer<Data> {
  data: Data;
  status: number;
  /** Undefined for a header that is not there. */
  header(name: string): string | undefined;
}

export interface AdminClientOptions {
  /** The API's address, with the path that a proxy puts before it: `https://ops.example/kpay/`. */
  url: string | URL;
  /** A key of the API. */
  key: string;
  /** How requests are sent; by `fetch` unless given. */
  send?: Send;
  /** How long one try may take, in milliseconds: 30,000 unless given. */
  timeoutMs?: number;
  /** How often a request is repeated that can do no harm: 2 unless given. */
  retries?: number;
  userAgent?: string;
  /** Called before each repetition. */
  onRetry?: (retry: { operation: OperationName; error: AdminApiError; afterMs: number }) => void;
}

type Calls = { [Name in OperationName]: (request: RequestOf<Name>) => Promise<Answer<AnswerOf<Name>>> };

/** Each operation of the API as a function by its `operationId`, and `open` for those that answer with a long text. */
export interface AdminClient extends Calls {
  open<Name extends OperationName>(name: Name, request: RequestOf<Name>): Promise<Answer<AsyncIterable<Uint8Array>>>;
}

const TIMEOUT_MS = 30_000;
const FIRST_WAIT_MS = 300;
const MAX_WAIT_MS = 10_000;
const SNIPPET = 200;

interface LooseRequest extends CallOptions {
  id?: string;
  query?: Readonly<Record<string, unknown>> | undefined;
  headers?: Readonly<Record<string, string | undefined>> | undefined;
  body?: unknown;
  type?: string;
}

/**
 * A client of the admin API. A request is sent again when that can do no harm: a read, what was not sent at all, what has an
 * id of its own (`externalId` or `Idempotency-Key`), and what the API calls safe to retry. The body stays the same.
 *
 * Every function throws ProblemError, NoAnswerError, UnreadableAnswerError, or the reason of the given signal.
 */
export function createAdminClient(options: AdminClientOptions): AdminClient {
  const names = Object.keys(operations) as OperationName[];
  const calls = names.map((name) => [name, (request: LooseRequest) => call(options, name, request)]);
  const open = (name: OperationName, request: LooseRequest) => repeat(options, name, request, openOnce);
  // The one place where the table of operations becomes functions; the types of both come from one document.
  return { ...Object.fromEntries(calls), open } as AdminClient;
}

function call(options: AdminClientOptions, name: OperationName, request: LooseRequest): Promise<Answer<unknown>> {
  return repeat(options, name, request, readOnce);
}

type Once<Data> = (options: AdminClientOptions, name: OperationName, request: LooseRequest) => Promise<Answer<Data>>;

async function repeat<Data>(
  options: AdminClientOptions,
  name: OperationName,
  request: LooseRequest,
  once: Once<Data>,
): Promise<Answer<Data>> {
  const { retries = 2, onRetry } = options;
  let arrived: AdminApiError | undefined;
  for (let tries = 1; ; tries += 1) {
    try {
      return await once(options, name, request);
    } catch (error) {
      if (!(error instanceof AdminApiError)) throw error;
      if (mayHaveArrived(error)) arrived ??= error;
      // After a try that may have arrived, one that did not says nothing of the request as a whole.
      const worst = wasNotTaken(error) ? (arrived ?? error) : error;
      if (tries > retries || !mayRepeat(error, name, request)) throw worst;
      const afterMs = waitOf(error, tries);
      if (afterMs > MAX_WAIT_MS) throw worst;
      onRetry?.({ operation: name, error, afterMs });
      await pause(afterMs, request.signal);
    }
  }
}

/** Whether the API may have acted on this try. */
function mayHaveArrived(error: AdminApiError): boolean {
  if (error instanceof ProblemError) return error.problem.status >= 500;
  return error instanceof NoAnswerError ? error.sent === 'maybe' : error instanceof UnreadableAnswerError && error.status >= 500;
}

/** Whether the API certainly did not look at what this try asks for. */
function wasNotTaken(error: AdminApiError): boolean {
  if (error instanceof ProblemError) return [401, 429].includes(error.problem.status);
  return error instanceof NoAnswerError && error.sent === 'no';
}

function mayRepeat(error: AdminApiError, name: OperationName, request: LooseRequest): boolean {
  if (error instanceof ProblemError) return error.problem.safeToRetry && error.problem.status >= 429;
  if (error instanceof NoAnswerError && error.sent === 'no') return true;
  if (error instanceof UnreadableAnswerError && error.status < 500) return false;
  // The lines of a batch have ids of their own, or are refused.
  if (operations[name].method === 'GET' || operations[name].sends === 'text') return true;
  return (
    operations[name].repeatable && (fieldOf(request.body, 'externalId') ?? request.headers?.['Idempotency-Key']) !== undefined
  );
}

function waitOf(error: AdminApiError, tries: number): number {
  const backoffMs = FIRST_WAIT_MS * 2 ** (tries - 1) * (0.5 + Math.random());
  return error instanceof ProblemError ? Math.max(error.retryAfterMs ?? 0, backoffMs) : backoffMs;
}

const readOnce: Once<unknown> = (options, name, request) =>
  withinTime(options, request, async (signal) => {
    const answer = await ask(options, name, request, signal);
    const text = await textOf(answer.data, name);
    return { ...answer, data: operations[name].answers === 'json' ? parse(answer.status, text) : text };
  });

/** The time is bounded until the answer begins: a stream has no end. */
const openOnce: Once<AsyncIterable<Uint8Array>> = (options, name, request) =>
  withinTime(options, request, (signal) => ask(options, name, request, signal));

async function withinTime<Result>(
  { timeoutMs = TIMEOUT_MS }: AdminClientOptions,
  { signal, timeoutMs: ownMs = timeoutMs }: LooseRequest,
  run: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), ownMs);
  try {
    return await run(signal ? AbortSignal.any([signal, late.signal]) : late.signal);
  } catch (error) {
    signal?.throwIfAborted();
    if (!late.signal.aborted) throw error;
    const sent = error instanceof NoAnswerError ? error.sent : 'maybe';
    throw new NoAnswerError(`no answer within ${ownMs / 1_000} s`, { sent, cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function ask(
  { url, key, send = sendByFetch, userAgent }: AdminClientOptions,
  name: OperationName,
  { id, query = {}, headers = {}, body, type = 'text/plain' }: LooseRequest,
  signal: AbortSignal,
): Promise<Answer<AsyncIterable<Uint8Array>>> {
  const { method, path, sends } = operations[name];
  const all = Object.entries({
    ...headers,
    Authorization: `Bearer ${key}`,
    'User-Agent': userAgent,
    'Content-Type': sends === 'json' ? 'application/json' : sends === 'text' ? type : undefined,
  });
  const answer = await send({
    method,
    url: addressOf(url, path, id, query),
    headers: Object.fromEntries(all.filter((each): each is [string, string] => each[1] !== undefined)),
    ...(sends !== null && { body: sends === 'json' ? JSON.stringify(body ?? {}) : String(body) }),
    signal,
  });
  const { status, chunks } = answer;
  if (status < 200 || status > 299) throw await problemOf(answer, name);
  return { data: chunks, status, header: (wanted) => answer.header(wanted) };
}

/** Below the path of `url`, so that the API may stand behind a proxy's path. */
function addressOf(base: string | URL, path: string, id: string | undefined, query: Readonly<Record<string, unknown>>): URL {
  const root = String(base).endsWith('/') ? String(base) : `${base}/`;
  const url = new URL(path.slice(1).replace('{id}', encodeURIComponent(id ?? '')), root);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
  return url;
}

async function problemOf(answer: HttpAnswer, name: OperationName): Promise<AdminApiError> {
  const text = await textOf(answer.chunks, name);
  const parsed: unknown = answer.header('content-type')?.includes('json') ? parse(answer.status, text) : undefined;
  if (fieldOf(parsed, 'code') === undefined || fieldOf(parsed, 'detail') === undefined) {
    return new UnreadableAnswerError(answer.status, text.slice(0, SNIPPET));
  }
  const seconds = Number(answer.header('retry-after'));
  return new ProblemError(parsed as Problem, Number.isFinite(seconds) ? seconds * 1_000 : undefined);
}

async function textOf(chunks: AsyncIterable<Uint8Array>, name: OperationName): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of chunks) text += decoder.decode(chunk, { stream: true });
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw error;
    throw new NoAnswerError(`the answer to ${name} broke off`, { sent: 'maybe', cause: error });
  }
  return text + decoder.decode();
}

function parse(status: number, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UnreadableAnswerError(status, text.slice(0, SNIPPET));
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (Reflect.get(value, name) ?? undefined) : undefined;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}
