import { NoAnswerError } from './errors.ts';

/** One HTTP request, as a transport gets it. */
export interface HttpRequest {
  method: string;
  url: URL;
  headers: Readonly<Record<string, string>>;
  body?: string;
  signal: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  /** Undefined for a header that is not there. */
  header(name: string): string | undefined;
  chunks: AsyncIterable<Uint8Array>;
}

/**
 * Sends a request.
 *
 * @throws NoAnswerError when no answer came; the signal's reason when that aborted.
 */
export type Send = (request: HttpRequest) => Promise<HttpAnswer>;

/** What Node says when no connection was made. Anything else may have been sent. */
const NEVER_CONNECTED: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'ERR_INVALID_URL',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** The transport of browsers and Node: the global `fetch`. Redirects are not followed, so that a key stays with its API. */
export const sendByFetch: Send = async ({ method, url, headers, body, signal }) => {
  let response: Response;
  try {
    response = await fetch(url, { method, headers, signal, redirect: 'manual', ...(body !== undefined && { body }) });
  } catch (error) {
    signal.throwIfAborted();
    const code = codeOf(error);
    const sent = code !== undefined && NEVER_CONNECTED.has(code) ? 'no' : 'maybe';
    throw new NoAnswerError(code ?? (error instanceof Error ? error.message : String(error)), { sent, cause: error });
  }
  return {
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    chunks: response.body ?? (async function* () {})(),
  };
};

/** Of the first error in the chain of causes that has one. */
export function codeOf(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    if ('code' in each && typeof each.code === 'string') return each.code;
    if (each instanceof AggregateError) return codeOf(each.errors[0]);
  }
  return undefined;
}
