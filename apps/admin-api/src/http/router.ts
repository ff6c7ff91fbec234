import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import { z } from 'zod';
import { requireScope } from '../auth/authenticate.ts';
import type { Caller } from '../auth/caller.ts';
import { MAX_BODY_BYTES, MAX_LINES_BYTES } from '../problems/body-bounds.ts';
import { Problem } from '../problems/problem.ts';
import { verifyJson, verifyLines } from '../problems/unreadable-body.ts';
import { parseIdempotencyKey } from './idempotency-key.ts';
import { parseIfMatch } from './if-match.ts';
import type { Call, Operation, Stream, TextBody } from './operation.ts';
import { parseBody } from './parse-body.ts';
import { parseQuery, requireUtf8Query } from './parse-query.ts';
import { createPlaces, type TakePlaces } from './places.ts';
import { relativeReference } from './relative-reference.ts';

/** The most bytes of bodies that are held at once, because a parsed body takes many times its size in memory. */
const MAX_HELD = { json: { most: 8_000_000, mostByCaller: 4_000_000 }, lines: { most: 10_000_000, mostByCaller: 5_000_000 } };
/** A client that reads nothing for this long counts as gone. Heartbeats come far more often. */
const STALLED_MS = 60_000;
/** Shorter answers fit into one packet uncompressed. */
const MIN_COMPRESSED = 1_400;
/**
 * JSON reads such as lists are compressed. Streams and exports are not, so that nothing is held back. Answers to writes
 * are not either: a new key is in one, and the length of compressed text can reveal a secret beside text that an
 * attacker chose (BREACH). No read contains a secret. An answer with an ETag keeps it strong.
 */
const compress = promisify(gzip);
const noParameters = z.strictObject({});

/**
 * Makes Express routes for operations. Other methods of their paths are refused. @param stopping ends answers that
 * would never end.
 */
export function routesOf(operations: readonly Operation[], stopping?: AbortSignal): Router {
  const router = Router();
  // Counted separately, so that batches leave room for single transfers.
  const takes = {
    json: createPlaces({ of: 'bytes of bodies', ...MAX_HELD.json, retryAfterSeconds: 2 }),
    lines: createPlaces({ of: 'bytes of batches', ...MAX_HELD.lines, retryAfterSeconds: 2 }),
  };
  for (const [path, ofPath] of Map.groupBy(operations, (operation) => operation.path)) {
    const route = router.route(path.replaceAll(/\{(\w+)\}/g, ':$1'));
    route.all(nameRoute(`/v1${path}`));
    for (const operation of ofPath) {
      // Before the body is read.
      route[operation.method](allow(operation), ...bodyReaders(operation, takes), serve(operation, stopping));
    }
    const allowed = ofPath.map(({ method }) => (method === 'get' ? 'GET, HEAD' : method.toUpperCase()));
    route.all(refuseMethod(allowed.join(', ')));
  }
  return router;
}

/** Names the route for the metrics, also when the request fails. */
function nameRoute(pattern: string): RequestHandler {
  return (_request, response, next) => {
    response.locals.route = pattern;
    next();
  };
}

export function refuseMethod(allow: string): RequestHandler {
  return (request) => {
    throw new Problem('method_not_allowed', `${request.method} is not possible here, only ${allow}.`, { headers: { allow } });
  };
}

function allow({ scope }: Operation): RequestHandler {
  return (_request, response, next) => {
    requireScope(response.locals.caller as Caller, scope);
    next();
  };
}

function serve(operation: Operation, stopping: AbortSignal | undefined): RequestHandler {
  return async (request, response) => {
    response.locals.operation = operation;
    if (comesLate(operation, response.locals.caller as Caller)) await (response.locals.verifyAgain as () => Promise<void>)();
    const reply = await operation.handle(parseCall(operation, request, response, stopping));
    if (reply.kind === 'stream') return sendChunks(reply, operation.answer.type ?? 'text/plain', request, response);
    const { location, ...headers } = reply.headers ?? {};
    response
      .status(reply.status ?? operation.answer.status)
      .set({ ...headers, ...(location !== undefined && { location: relativeReference(request, location) }) });
    const text = JSON.stringify(reply.body);
    if (request.method !== 'GET' || response.get('etag') !== undefined || text.length < MIN_COMPRESSED) {
      return void response.type('json').send(text);
    }
    response.vary('Accept-Encoding').type('json');
    if (request.acceptsEncodings('gzip', 'identity') !== 'gzip') return void response.send(text);
    response.set('content-encoding', 'gzip').send(await compress(text));
  };
}

/**
 * A body can arrive long after its headers, when the key may have ended. Orders check their key when they are recorded.
 */
function comesLate({ body, lines, idempotent }: Operation, { apiKey }: Caller): boolean {
  const isOrder = idempotent === true || lines !== undefined;
  return (body ?? lines) !== undefined && !(apiKey && isOrder);
}

async function sendChunks({ chunks, headers }: Stream, type: string, request: Request, response: Response): Promise<void> {
  response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, ...headers });
  if (request.method === 'HEAD') return void response.end();
  response.flushHeaders();
  response.setTimeout(STALLED_MS, () => response.destroy());
  try {
    await pipeline(Readable.from(chunks), response);
  } catch (error) {
    // The client disconnected, which is no error.
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE')) throw error;
  }
}

function parseCall(
  { query, body, idempotent, conditional }: Operation,
  request: Request,
  response: Response,
  stopping: AbortSignal | undefined,
): Call<unknown, unknown> {
  let signal: AbortSignal | undefined;
  requireUtf8Query(request.originalUrl);
  return {
    id: String(request.params.id ?? ''),
    query: parseQuery(query ?? noParameters, request.query),
    body: body && parseBody(body, request.body),
    text: textBodyOf(request),
    idempotencyKey: idempotent && parseIdempotencyKey(request.get('idempotency-key')),
    version: conditional && parseIfMatch(request.get('if-match')),
    caller: response.locals.caller as Caller,
    isStillAllowed: response.locals.isStillAllowed as () => Promise<boolean>,
    lastEventId: request.get('last-event-id'),
    // Created only for operations that use it, because most answers are too short to need it.
    get signal() {
      signal ??= goneSignal(response, stopping);
      return signal;
    },
  };
}

function goneSignal(response: Response, stopping: AbortSignal | undefined): AbortSignal {
  const gone = new AbortController();
  if (response.closed) gone.abort();
  else response.once('close', () => gone.abort());
  return stopping ? AbortSignal.any([stopping, gone.signal]) : gone.signal;
}

function bodyReaders({ method, lines }: Operation, takes: { json: TakePlaces; lines: TakePlaces }): RequestHandler[] {
  if (method !== 'post') return [];
  if (!lines) return [refuseOtherTypes(['application/json']), holdBody(takes.json, MAX_BODY_BYTES), readJson];
  const readLines = express.text({ type: () => true, limit: MAX_LINES_BYTES, inflate: false, verify: verifyLines });
  return [refuseOtherTypes(lines.types), holdBody(takes.lines, MAX_LINES_BYTES), readLines];
}

/**
 * Counts the bytes of a body before it is read, until it is answered. A body of unknown length counts as the longest.
 */
function holdBody(take: TakePlaces, most: number): RequestHandler {
  return (request, response, next) => {
    const declared = request.get('content-length');
    const bytes = declared === undefined && request.get('transfer-encoding') === undefined ? 0 : Number(declared ?? most);
    // A body that is too long is refused unread.
    if (bytes > 0 && bytes <= most) take(response.locals.caller as Caller, goneSignal(response, undefined), bytes);
    next();
  };
}

function textBodyOf(request: Request): TextBody {
  const [type = ''] = (request.get('content-type') ?? '').split(';');
  return { type: type.trim().toLowerCase(), text: typeof request.body === 'string' ? request.body : '' };
}

const readJson = express.json({ limit: MAX_BODY_BYTES, inflate: false, verify: verifyJson });

function refuseOtherTypes(types: readonly string[]): RequestHandler {
  return (request, _response, next) => {
    // Null means that there is no body; the operation reports that itself.
    if (request.is([...types]) !== false || request.get('content-length') === '0') return next();
    throw new Problem('unsupported_media_type', `Send the body as ${types.join(' or ')}.`);
  };
}
