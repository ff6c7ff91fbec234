import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { kindOf, parseAccount, parseExternalId, parseMs, parseOptions, parseWait, refuseMore, requireOpen } from './arguments.ts';
import {
  ClosedError,
  InvalidArgumentError,
  JobRemovedError,
  TransferFailedError,
  UnavailableError,
  WaitAbortedError,
  WaitTimedOutError,
} from './errors.ts';
import { parseTransferRequest } from './parse-transfer-request.ts';
import type { EnqueuedTransfer, KnownTransfer, Producer, WaitOptions } from './producer.ts';
import { createRestApi, NoAnswer, type RestRequest, requireToken } from './rest-api.ts';
import type { TransferJobResult } from './transfer-job.ts';
import { watchEnds } from './watch-ends.ts';

const REQUEST_WITHIN_MS = 10_000;
const RETRIES = 2;
const MAX_RETRIES = 10;
const ACCEPTED_WITHIN_MS = 30_000;
const FINISHED_WITHIN_MS = 15 * 60_000;
// Node fires a timer beyond this at once.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

// How often a wait reads its transfer. While the event stream is open these reads are a safety net only, and a thousand waits
// must not use up the key's requests of a minute.
const MIN_READ_MS = 250;
const MAX_READ_MS = 5_000;
const MAX_READ_WATCHED_MS = 60_000;

/** What a producer by REST is made of. */
export interface RestProducerOptions {
  /** The account whose money moves: 1 to 32 characters of a to z, 0 to 9 and -, such as `default`. */
  account: string;
  /** Where the admin API is, without its `/v1`: `https://kpay-ops.example`. */
  baseUrl: string;
  /**
   * A key of the admin API with the scope `transfers:create`, and `read` for `finished()` and `get()`; or a function that gives the
   * one to use now, for keys that change. No message and no JSON of this package has it.
   */
  token: string | (() => string | Promise<string>);
  /** Milliseconds for one request and its answer; 10,000 unless given. */
  timeoutMs?: number | undefined;
  /** How often `enqueue` and `get` are tried again where no answer came: 0 to 10, 2 unless given. */
  maxRetries?: number | undefined;
  /** What sends the requests, for a proxy or a certificate of your own; Node's `fetch` unless given. */
  fetch?: typeof globalThis.fetch | undefined;
}

const viewSchema = z.object({
  id: z.string(),
  externalId: z.string().nullable(),
  account: z.string(),
  state: z.string(),
  reason: z.string().nullable(),
  reasonCode: z.string().nullable(),
  moneyMoved: z.enum(['yes', 'no', 'unknown']),
  finishedAt: z.string().nullable(),
  kpayTransferId: z.string().nullable(),
  exchangeRate: z.string().nullable(),
  destinationAmount: z.string().nullable(),
});
type View = z.infer<typeof viewSchema>;

/**
 * Enqueues an account's transfers through the admin API, for a service without Redis. It has the face of `createProducer`. Nothing
 * is opened before the first call.
 *
 * @throws InvalidArgumentError
 */
export function createRestProducer(options: RestProducerOptions): Producer;
export function createRestProducer(options: RestProducerOptions, ...more: unknown[]): Producer {
  const { account, maxRetries, ...place } = parseRestOptions(options);
  refuseMore('createRestProducer', 'one object of options', more);
  const closing = new AbortController();
  const api = createRestApi({ ...place, closed: closing.signal });
  const ends = new EventEmitter().setMaxListeners(0);
  const watch = watchEnds(api, ends, closing.signal);

  const askAgain = async <T>(request: RestRequest, schema: z.ZodType<T>, what: string): Promise<T | undefined> => {
    try {
      return await api.askAgain(request, schema, maxRetries);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      const { externalId } = request;
      const { retryAfterMs } = error;
      throw new UnavailableError(
        what.replace('…', () => error.message),
        { externalId, retryAfterMs, cause: error },
      );
    }
  };

  /** The transfer's end, in a wait that reads it again and again. */
  async function follow(first: View, externalId: string, options: unknown): Promise<TransferJobResult> {
    const { timeoutMs, signal } = parseWait(options, FINISHED_WITHIN_MS);
    requireOpen(closing.signal, externalId);
    const timeout = AbortSignal.timeout(Math.min(timeoutMs, LONGEST_TIMER_MS));
    const stop = AbortSignal.any(signal ? [timeout, closing.signal, signal] : [timeout, closing.signal]);
    const request: RestRequest = {
      method: 'GET',
      path: `/v1/transfers/${encodeURIComponent(first.id)}`,
      externalId,
      signal: stop,
    };
    const stopWatching = watch.begin();
    let heard = new AbortController();
    const wake = () => heard.abort();
    ends.on(first.id, wake);
    let pauseMs = MIN_READ_MS;
    let problem: NoAnswer | undefined;
    try {
      for (let view = first; ; ) {
        const result = readEnd(view, externalId);
        if (result) return result;
        if (closing.signal.aborted) throw new ClosedError({ externalId });
        if (signal?.aborted) throw new WaitAbortedError(externalId, signal.reason);
        if (timeout.aborted) throw new WaitTimedOutError(externalId, timeoutMs, { cause: problem });
        const ms = problem?.retryAfterMs ?? pauseMs * (0.75 + Math.random() / 4);
        await delay(ms, undefined, { signal: AbortSignal.any([stop, heard.signal]) }).catch(() => {});
        // Before reading, so that an end that is heard meanwhile is not missed.
        heard = new AbortController();
        pauseMs = Math.min(2 * pauseMs, watch.isOpen() ? MAX_READ_WATCHED_MS : MAX_READ_MS);
        if (stop.aborted) continue;
        try {
          const found = await api.ask(request, viewSchema);
          if (!found) throw new JobRemovedError(externalId);
          view = found;
          problem = undefined;
        } catch (error) {
          // The API is away: the transfer goes on without it, and so does the wait.
          if (error instanceof NoAnswer && error.worthRepeating) problem = error;
          else if (!stop.aborted) throw error instanceof NoAnswer ? notAnswered(error, externalId) : error;
        }
      }
    } finally {
      ends.off(first.id, wake);
      stopWatching();
    }
  }

  return {
    async enqueue(given, ...rest: unknown[]) {
      refuseMore('enqueue', 'one request', rest);
      requireOpen(closing.signal);
      const body = { account, ...parseTransferRequest(given) };
      const { externalId } = body;
      const accepted = viewSchema.refine((view) => view.externalId === externalId && view.account === account);
      const view = await askAgain(
        {
          method: 'POST',
          path: '/v1/transfers',
          externalId,
          body,
          headers: { 'idempotency-key': idempotencyKeyOf(externalId) },
        },
        accepted,
        `the admin API did not confirm (…): nothing is known to be enqueued, repeating with externalId "${externalId}" is safe`,
      );
      if (!view) throw notAnswered(new NoAnswer('answered 404: check baseUrl'), externalId);
      const transfer: EnqueuedTransfer = {
        externalId,
        async accepted(wait?: WaitOptions, ...more: unknown[]) {
          refuseMore('accepted', 'one object of options', more);
          const { signal } = parseWait(wait, ACCEPTED_WITHIN_MS);
          requireOpen(closing.signal, externalId);
          if (signal?.aborted) throw new WaitAbortedError(externalId, signal.reason);
          return { transferId: view.id };
        },
        async finished(wait?: WaitOptions, ...more: unknown[]) {
          refuseMore('finished', 'one object of options', more);
          return follow(view, externalId, wait);
        },
      };
      return transfer;
    },
    async get(given, ...rest: unknown[]) {
      refuseMore('get', 'one externalId', rest);
      const externalId = parseExternalId(given);
      requireOpen(closing.signal, externalId);
      const query = new URLSearchParams({ account, externalId, limit: '1' });
      const page = z.object({ items: z.array(viewSchema) });
      const request: RestRequest = { method: 'GET', path: `/v1/transfers?${query}`, externalId };
      const found = await askAgain(request, page, 'the admin API did not answer (…): ask again');
      const view = found?.items.find((each) => each.externalId === externalId && each.account === account);
      return view && describeView(view, externalId);
    },
    async close() {
      closing.abort();
      await watch.end();
    },
  };
}

function notAnswered(error: NoAnswer, externalId: string): UnavailableError {
  const message = `the admin API did not answer (${error.message}): nothing is known, repeating with externalId "${externalId}" is safe`;
  return new UnavailableError(message, { externalId, retryAfterMs: error.retryAfterMs, cause: error });
}

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** The externalId itself where a header can hold it: another client of the key that uses the two as one is then told apart. */
function idempotencyKeyOf(externalId: string): string {
  return IDEMPOTENCY_KEY.test(externalId) ? externalId : createHash('sha256').update(externalId).digest('hex');
}

/** What a transfer brought, when it has ended. @throws TransferFailedError when it moved no money. */
function readEnd(view: View, externalId: string): TransferJobResult | undefined {
  if (view.finishedAt === null) return undefined;
  if (view.state === 'succeeded' || view.moneyMoved === 'yes') return resultOf(view);
  const reason = view.reason ?? view.reasonCode ?? view.state;
  throw new TransferFailedError({ externalId, reason, reasonCode: view.reasonCode ?? undefined, transferId: view.id });
}

function resultOf({ id, kpayTransferId, exchangeRate, destinationAmount }: View): TransferJobResult {
  return { transferId: id, state: 'succeeded', kpayTransferId, exchangeRate, destinationAmount };
}

function describeView(view: View, externalId: string): KnownTransfer {
  const { id: transferId, state, moneyMoved } = view;
  const succeeded = view.finishedAt !== null && (state === 'succeeded' || moneyMoved === 'yes');
  const status = succeeded ? 'succeeded' : view.finishedAt === null ? 'accepted' : 'failed';
  return {
    externalId,
    status,
    moneyMoved,
    transferId,
    state,
    reason: view.reason ?? undefined,
    reasonCode: view.reasonCode ?? undefined,
    result: succeeded ? resultOf(view) : undefined,
  };
}

function parseRestOptions(options: unknown) {
  const names = ['account', 'baseUrl', 'token', 'timeoutMs', 'maxRetries', 'fetch'] satisfies (keyof RestProducerOptions)[];
  const given = parseOptions('options', options, names);
  const {
    token,
    maxRetries = RETRIES,
    fetch = (...call: Parameters<typeof globalThis.fetch>) => globalThis.fetch(...call),
  } = given;
  if (!Number.isInteger(maxRetries) || Number(maxRetries) < 0 || Number(maxRetries) > MAX_RETRIES) {
    throw new InvalidArgumentError('maxRetries', `must be a whole number from 0 to ${MAX_RETRIES}, not ${kindOf(maxRetries)}`);
  }
  if (typeof fetch !== 'function') throw new InvalidArgumentError('fetch', `must be a function, not ${kindOf(fetch)}`);
  return {
    account: parseAccount(given.account),
    baseUrl: parseBaseUrl(given.baseUrl),
    token: typeof token === 'function' ? (token as () => string | Promise<string>) : requireToken(token),
    timeoutMs: Math.min(parseMs('timeoutMs', given.timeoutMs, REQUEST_WITHIN_MS), LONGEST_TIMER_MS),
    maxRetries: Number(maxRetries),
    fetch: fetch as typeof globalThis.fetch,
  };
}

/** The address without a slash at its end. @throws InvalidArgumentError, which does not repeat it: it can hold a password. */
function parseBaseUrl(baseUrl: unknown): string {
  const problem = 'must be the address of the admin API, such as https://kpay-ops.example, without user, query and fragment';
  if (typeof baseUrl !== 'string') throw new InvalidArgumentError('baseUrl', `${problem}; not ${kindOf(baseUrl)}`);
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const bare = url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && !/[?#]/.test(baseUrl);
  if (!url || !bare) throw new InvalidArgumentError('baseUrl', problem);
  const path = url.pathname.replace(/\/+$/, '');
  if (path.endsWith('/v1')) throw new InvalidArgumentError('baseUrl', 'must be given without /v1: it is added to each request');
  return url.origin + path;
}
