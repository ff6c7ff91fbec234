import { randomUUID } from 'node:crypto';
import { type Drift, Kpay as KpayClient } from '@kpay/core';

export interface Keys {
  apiKey: string;
  secretKey: string;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** Undefined when the text is no JSON. */
  json: unknown;
}

export interface Request {
  method: 'GET' | 'POST';
  path: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
}

/** A token and the application's id, for cases that need them. */
export interface Grant {
  accessToken: string;
  applicationId: string;
  companyId: string;
}

/** Thrown when a prerequisite of a case fails. The case was then not tried; the message says why. */
export class NotReady extends Error {}

/**
 * KPay as one case sees it: plain HTTP, deliberately without our client, because KPay is tested here and not the
 * client.
 */
export interface Kpay {
  /** Determined by the prefix of the API key. */
  environment: 'TEST' | 'PRODUCTION';
  keys: Keys;
  /** Like `send`, with the keys in the headers. */
  ask(request: Request): Promise<Answer>;
  /** Sends exactly the headers in `request`. @throws NotReady on a 429, unless the case expects it. */
  send(request: Request): Promise<Answer>;
  /** A token and the ids, requested once for all cases, apart from the case's own requests. @throws NotReady */
  grant(): Promise<Grant>;
  freshExternalId(): string;
  /** Our client with the same keys. Close it. */
  openClient(onDrift: (drift: Drift) => void): Promise<KpayClient>;
}

export interface KpayOptions {
  keys: Keys;
  baseUrl: string;
  /** Waits until one more request may be sent. */
  pace: () => Promise<void>;
  grant: () => Promise<Grant>;
  /** Whether a 429 is an expected answer. */
  exhaustsLimit: boolean;
}

const requestTimeoutMs = 20_000;

/** Makes a view of KPay for one case. */
export function createKpay({ keys, baseUrl, pace, grant, exhaustsLimit }: KpayOptions): Kpay {
  async function send(request: Request): Promise<Answer> {
    await pace();
    const answer = await exchange(baseUrl, request);
    if (answer.status === 429 && !exhaustsLimit) throw new NotReady('status 429: the limit of the key is used up');
    return answer;
  }
  const environment = environmentOf(keys.apiKey);
  return {
    environment,
    keys,
    send,
    ask: (request) => send({ ...request, headers: { ...keyHeaders(keys), ...request.headers } }),
    grant,
    freshExternalId: () => `conformance-${randomUUID()}`,
    async openClient(onDrift) {
      // A case makes one call with its client, which may also need a token.
      await pace();
      await pace();
      return new KpayClient({ ...keys, baseUrl, onDrift, timeoutMs: requestTimeoutMs, maxRetries: 0 });
    },
  };
}

/** Requests a token and the ids. @throws NotReady */
export async function requestGrant(keys: Keys, baseUrl: string, pace: () => Promise<void>): Promise<Grant> {
  async function read(method: 'GET' | 'POST', path: string): Promise<Record<string, unknown>> {
    await pace();
    const { status, json } = await exchange(baseUrl, { method, path, headers: keyHeaders(keys) });
    if (typeof json !== 'object' || json === null) throw new NotReady(`${path} answered ${status} without JSON`);
    return json as Record<string, unknown>;
  }
  const { accessToken } = await read('POST', '/api/v1/payments/token');
  const { application, company } = await read('GET', '/api/v1/payments/me');
  const applicationId = idOf(application);
  if (typeof accessToken !== 'string' || applicationId === undefined)
    throw new NotReady('no token or no application id to be had');
  return { accessToken, applicationId, companyId: idOf(company) ?? '' };
}

/** The prefix of the key determines the environment (page). A key that is not surely a test key counts as live. */
export function environmentOf(apiKey: string): 'TEST' | 'PRODUCTION' {
  return apiKey.startsWith('kpay_test_') ? 'TEST' : 'PRODUCTION';
}

function keyHeaders({ apiKey, secretKey }: Keys): Record<string, string> {
  return { 'x-api-key': apiKey, 'x-secret-key': secretKey };
}

/** Sends one request. @throws NotReady without a complete answer, because that shows nothing about a fact. */
async function exchange(baseUrl: string, request: Request): Promise<Answer> {
  try {
    return await fetchAnswer(baseUrl, request);
  } catch (error) {
    // fetch says only "fetch failed"; its cause has the reason.
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new NotReady(`no answer: ${reason instanceof Error ? reason.message : String(reason)}`, { cause: error });
  }
}

async function fetchAnswer(baseUrl: string, { method, path, headers = {}, body }: Request): Promise<Answer> {
  const response = await fetch(baseUrl + path, {
    method,
    headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? null : JSON.stringify(body),
    // A redirect would carry the keys elsewhere.
    redirect: 'manual',
    signal: AbortSignal.timeout(requestTimeoutMs),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parseJson(text) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function idOf(value: unknown): string | undefined {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined;
  return typeof id === 'string' ? id : undefined;
}
