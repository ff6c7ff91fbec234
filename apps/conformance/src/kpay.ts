import { randomUUID } from 'node:crypto';
import { type AccountSettings, type Drift, type KpayAccount, openKpayAccount } from '@kpay/core';

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

/** What a case that needs a token or the application's id has in hand. */
export interface Grant {
  accessToken: string;
  applicationId: string;
  companyId: string;
}

/** Thrown by what a case asks for beforehand: the case itself was not tried then, and says why. */
export class NotReady extends Error {}

/** KPay as one case sees it: plain HTTP, on purpose without our client, because KPay is judged here and not the client. */
export interface Kpay {
  /** By the prefix of the API key. */
  environment: 'TEST' | 'PRODUCTION';
  keys: Keys;
  /** As `send`, with the keys in the headers. */
  ask(request: Request): Promise<Answer>;
  /** Nothing but what `request` says goes into the headers. @throws NotReady on a 429, unless the case wants it. */
  send(request: Request): Promise<Answer>;
  /** A token and the ids, asked for once for all cases, apart from the case's own requests. @throws NotReady */
  grant(): Promise<Grant>;
  freshExternalId(): string;
  /** Our client on the same keys, without a view on what the other cases send. Close it. */
  openClient(onDrift: (drift: Drift) => void): Promise<KpayAccount>;
}

export interface KpayOptions {
  keys: Keys;
  baseUrl: string;
  /** Waits until one more request may be sent. */
  pace: () => Promise<void>;
  grant: () => Promise<Grant>;
  /** Whether a 429 is an answer to judge. */
  exhaustsLimit: boolean;
}

const requestTimeoutMs = 20_000;

/** One view of KPay, for one case. */
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
      // A case asks its client for one thing, which can need a token.
      await pace();
      await pace();
      const settings: AccountSettings = { name: 'conformance', ...keys, baseUrl, environment };
      return openKpayAccount(settings, { onDrift, totalTimeoutMs: requestTimeoutMs });
    },
  };
}

/** Asks for a token and the ids. @throws NotReady */
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

/** The prefix of the key picks the environment (page). What is not surely a test key counts as live. */
export function environmentOf(apiKey: string): 'TEST' | 'PRODUCTION' {
  return apiKey.startsWith('kpay_test_') ? 'TEST' : 'PRODUCTION';
}

function keyHeaders({ apiKey, secretKey }: Keys): Record<string, string> {
  return { 'x-api-key': apiKey, 'x-secret-key': secretKey };
}

/** Sends one request. @throws NotReady when no whole answer comes: that says nothing about a fact. */
async function exchange(baseUrl: string, request: Request): Promise<Answer> {
  try {
    return await fetchAnswer(baseUrl, request);
  } catch (error) {
    // fetch says only "fetch failed"; the reason is its cause.
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
